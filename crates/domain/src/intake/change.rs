//! A registration is amended or cancelled by a person who waits for the answer.

use super::decide::{Context, Decision, Outgoing};
use super::event::Event;
use super::register::{Effect, Origin, Receipt, amend_as, register};
use super::registration::{Registration, TEXT_BYTES_MAX, differences};
use super::state::{Closed, Entry, Filed, Life};
use crate::ids::{Barcode, LabId};
use crate::message::{Message, SampleWithdrawn};
use crate::rejection::Rejection;

/// Longest reason, in bytes: a sentence or two.
pub const REASON_BYTES_MAX: usize = 4 * TEXT_BYTES_MAX;

/// Replaces what is registered about a barcode. Version 0 = the next one. Unlike a registration, an
/// amendment may come from another source than the one that registered, which stays the owner.
///
/// # Errors
/// `SAMPLE_UNKNOWN`, `VERSION_OLD`, and those of [`register`].
pub fn amend(
    context: Context<'_>,
    mut registration: Registration,
) -> Result<Decision<Receipt>, Rejection> {
    let rules = context.rulebook.active(context.state)?;
    let (entry, owner, current) = registered(context, &registration.barcode)?;
    registration.source = owner;
    if let Life::Open(open) = &entry.life
        && (registration.version == 0 || registration.version == current)
        && differences(&registration, &open.sample).is_empty()
    {
        registration.version = current;
        return register(context, registration, Origin::Call);
    }
    let version = registration.version_or(current.saturating_add(1));
    if version <= current {
        return Err(Rejection::precondition(
            "VERSION_OLD",
            "version",
            format!("version {version} is not above the present one, {current}"),
            "read the sample again, decide on that, and leave the version out or raise it",
        ));
    }
    amend_as(context, &rules, registration, Origin::Call, &entry, version)
}

/// What is registered under a barcode, who stated it, and its version.
fn registered(context: Context<'_>, barcode: &Barcode) -> Result<(Entry, String, u32), Rejection> {
    let unknown = || {
        Rejection::not_found(
            "SAMPLE_UNKNOWN",
            "barcode",
            format!("barcode {:?} is not registered", cut(barcode.as_str())),
            "check the label; register the tube first",
        )
    };
    let (_, entry) = context.entry(barcode).ok_or_else(unknown)?;
    let (owner, version) = entry
        .stated()
        .map(|(by, version)| (by.to_owned(), version))
        .ok_or_else(unknown)?;
    Ok((entry, owner, version))
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_BYTES_MAX).collect()
}

/// Cancels a registration; once more is no error. The lab is told: before mixing the tube is put away,
/// after it the test goes on and its report is suppressed.
///
/// # Errors
/// `NO_POLICY`, `REASON_MISSING`, `REASON_TOO_LONG`, `SAMPLE_UNKNOWN`, `SAMPLE_CLOSED`.
pub fn cancel(
    context: Context<'_>,
    barcode: &Barcode,
    reason: &str,
) -> Result<Decision<Receipt>, Rejection> {
    context.rulebook.active(context.state)?;
    if reason.trim().is_empty() {
        return Err(Rejection::invalid(
            "REASON_MISSING",
            "reason",
            "a cancellation needs a reason",
            "say why; whoever finds the tube will read it",
        ));
    }
    if reason.len() > REASON_BYTES_MAX {
        return Err(Rejection::invalid(
            "REASON_TOO_LONG",
            "reason",
            format!(
                "the reason has {} bytes: {REASON_BYTES_MAX} are allowed",
                reason.len()
            ),
            "shorten it",
        ));
    }
    let (entry, _, current) = registered(context, barcode)?;
    let version = current.saturating_add(1);
    let receipt = |effect, version| Receipt {
        barcode: barcode.clone(),
        effect,
        version,
        sample: None,
        due: None,
    };
    match &entry.life {
        Life::Withdrawn(_) => Ok(Decision::nothing(receipt(Effect::AlreadyKnown, current))),
        Life::Closed(Closed { reported_at, .. }) | Life::Filed(Filed { reported_at, .. }) => {
            Err(Rejection::precondition(
                "SAMPLE_CLOSED",
                "barcode",
                format!("barcode {barcode} was reported at {reported_at}"),
                "a report that is out is corrected in results, not cancelled",
            ))
        }
        Life::Seen(_) | Life::Open(_) => {
            let message = |lab: &LabId| {
                Message::SampleWithdrawn(SampleWithdrawn {
                    lab: lab.clone(),
                    barcode: barcode.clone(),
                    version,
                    reason: reason.to_owned(),
                })
            };
            Ok(Decision {
                events: vec![Event::Withdrawn {
                    barcode: barcode.clone(),
                    version,
                    reason: reason.to_owned(),
                }],
                messages: entry
                    .lab()
                    .map(|lab| Outgoing::to_pooling(lab, message(lab)))
                    .into_iter()
                    .collect(),
                answer: receipt(Effect::Amended, version),
            })
        }
    }
}
