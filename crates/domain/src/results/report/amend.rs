//! A registration changed after mixing: before the report it only changes what will be reported (or
//! suppresses it); after the report it makes a corrected one.

use super::{Verdict, issue};
use crate::message::MemberAmended;
use crate::rejection::Rejection;
use crate::results::draft::Draft;
use crate::results::event::Event;
use crate::results::filing;
use crate::results::state::{Registered, Specimen, tube_key};
use crate::tables::ReadExt;

/// Decides `MemberAmended`. A version older than the one known, or the same again, changes nothing; of a sample that
/// was filed, it becomes a work item.
///
/// # Errors
/// `TUBE_UNKNOWN`: no plate with this tube was ever loaded; its plate will bring the registration.
pub fn amended(draft: &mut Draft<'_>, message: MemberAmended) -> Result<(), Rejection> {
    let key = tube_key(draft.state(), &message.tube);
    if key.is_some_and(|key| filing::amended(draft, key, &message)) {
        return Ok(());
    }
    let state = draft.state();
    let known = key.and_then(|key| {
        let registered: Registered = state.get(&key)?;
        Some((key, registered, state.get::<Specimen>(&key)?))
    });
    let Some((key, registered, specimen)) = known else {
        return Err(Rejection::not_found(
            "TUBE_UNKNOWN",
            "tube",
            format!("tube {} was on no plate that was loaded", message.tube),
            "nothing: its plate brings its registration",
        ));
    };
    let sample = message.sample.unwrap_or_else(|| registered.sample.clone());
    let newer = sample.version > registered.sample.version;
    if !newer
        && (message.withdrawn == specimen.withdrawn || sample.version < registered.sample.version)
    {
        return Ok(());
    }
    let withdrawn = message.withdrawn;
    draft.emit(Event::MemberAmended {
        tube: message.tube,
        sample,
        withdrawn,
    });
    // Until a result stands it is only remembered: what follows from it comes with the result.
    if !specimen.is_final() {
        return Ok(());
    }
    let last = specimen.report().map(|report| report.verdict);
    let verdict = match (withdrawn, last, specimen.finding) {
        (true, Some(last), _) if last != Verdict::Withdrawn => Verdict::Withdrawn,
        (true, _, _) => return Ok(()),
        // Registered again: what was held back is released.
        (false, None | Some(Verdict::Withdrawn), Some(finding)) => Verdict::of(finding),
        (false, Some(last), _) => last,
        (false, None, None) => return Ok(()),
    };
    issue(draft, &[key], verdict);
    Ok(())
}
