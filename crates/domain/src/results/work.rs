//! Work items: things that a person must look at. They block nobody else.

use super::delivery;
use super::draft::Draft;
use super::event::{CargoRef, Event, LabNumber};
use super::state::{Work, WorkKind, key_of, lab_no};
use crate::ids::{Actor, ReceiverId};
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// A work item to open.
pub struct NewWork {
    /// Why.
    pub kind: WorkKind,
    /// A barcode, a pool, a plate, or a run.
    pub about: String,
    /// Details, in words.
    pub detail: String,
    /// The delivery it is about.
    pub delivery: Option<(ReceiverId, CargoRef)>,
}

/// What a person did about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Looked at; nothing more happens.
    Done,
    /// Have the report sent again.
    Redeliver,
    /// The receiver has it: it told us by telephone, e-mail or spreadsheet.
    Acknowledged,
}

/// Closes an item.
///
/// # Errors
/// `WORK_UNKNOWN`, `NOTE_MISSING`, `NOT_A_DELIVERY`.
pub fn resolve(
    draft: &mut Draft<'_>,
    work: LabNumber,
    actor: Actor,
    note: String,
    how: Resolution,
) -> Result<(), Rejection> {
    let item = lab_no(draft.state(), &work.lab)
        .and_then(|no| draft.state().get::<Work>(&key_of(no, work.number)))
        .ok_or_else(|| {
            Rejection::not_found(
                "WORK_UNKNOWN",
                "number",
                format!("lab {:?} has no open work item {}", work.lab, work.number),
                "list the open items",
            )
        })?;
    if note.trim().is_empty() {
        return Err(Rejection::invalid(
            "NOTE_MISSING",
            "note",
            "the note is empty",
            "say what was found or done",
        ));
    }
    if how != Resolution::Done {
        let (receiver, number) = item.delivery.ok_or_else(|| {
            Rejection::precondition(
                "NOT_A_DELIVERY",
                "how",
                "this item is not about a delivery",
                "resolve it as done",
            )
        })?;
        if how == Resolution::Redeliver {
            delivery::requeue(draft, receiver, number);
        } else {
            delivery::accept(draft, receiver, &[number]);
        }
    }
    draft.emit(Event::WorkResolved { work, actor, note });
    Ok(())
}
