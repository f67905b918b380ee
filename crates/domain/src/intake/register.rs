//! A registration arrives: for the first time, again, or as a newer version.

use super::decide::{Context, Decision, Outgoing, Service};
use super::event::{Event, Stated};
use super::registration::{Registration, Subject, TEXT_BYTES_MAX, accept, differences};
use super::state::{Custody, Entry, Holder, Life, Open};
use crate::ids::{Barcode, LabId, TubeId};
use crate::intake::barcode::{BARCODE_BYTES_MAX, Rules};
use crate::message::{MemberAmended, Message, Recollected, SampleWithdrawn};
use crate::policy::Policy;
use crate::rejection::{Code, Rejection};
use crate::sample::{Flag, Hold, Sample};
use crate::time::Timestamp;
use crate::turnaround::Deadline;

/// Stages whose budget is used up before a sample that is not received counts as at risk: transport.
const STAGES_BEFORE_RECEIPT: usize = 1;

/// How a registration came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody waits for the answer.
    Call,
    /// Nobody does; its number in the source's stream, 0 = not counted.
    Stream {
        /// The number.
        sequence: u64,
    },
}

/// What a registration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The barcode is registered now.
    Accepted,
    /// A newer version is in force now.
    Amended,
    /// The same was in force already: nothing changed.
    AlreadyKnown,
    /// A newer version is in force already: nothing changed.
    OldVersion,
}

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The barcode.
    pub barcode: Barcode,
    /// What it came to.
    pub effect: Effect,
    /// The version in force.
    pub version: u32,
    /// The sample in force; `None` once it is cancelled or closed.
    pub sample: Option<Sample>,
    /// When its report is due.
    pub due: Option<Timestamp>,
}

impl Receipt {
    /// Why it is held, if it is.
    #[must_use]
    pub fn hold(&self) -> Option<&Hold> {
        self.sample.as_ref()?.hold.as_ref()
    }
}

/// Decides a registration.
///
/// # Errors
/// `NO_POLICY`; those of [`accept`]; `REGISTRATION_CONFLICT` (the same version says something else),
/// `BARCODE_TAKEN` (another source registered it), `BARCODE_WITHDRAWN`, `LAB_HAS_TUBE`.
pub fn register(
    context: Context<'_>,
    registration: Registration,
    origin: Origin,
) -> Result<Decision<Receipt>, Rejection> {
    let rules = context.rulebook.active(context.state)?;
    match context.entry(&registration.barcode) {
        None => first(&rules, registration, origin, None, context.now),
        Some((_, entry)) => match &entry.life {
            Life::Seen(_) => first(
                &rules,
                registration,
                origin,
                entry.custody.as_ref(),
                context.now,
            ),
            _ => again(context, &rules, registration, origin, &entry),
        },
    }
}

/// Longest text of a refusal that is kept for watchers, in characters.
const KEPT_TEXT_MAX: usize = 1_000;

/// Decides a registration that nobody waits for: a refusal is an event, for those who watch outcomes.
#[must_use]
pub fn take(
    context: Context<'_>,
    registration: Registration,
    sequence: u64,
) -> Decision<Result<Receipt, Rejection>> {
    let cut = |text: &str, most: usize| -> String { text.chars().take(most).collect() };
    let source = cut(registration.stated_by(), TEXT_BYTES_MAX);
    let barcode = cut(registration.barcode.as_str(), BARCODE_BYTES_MAX);
    match register(context, registration, Origin::Stream { sequence }) {
        Ok(decision) => Decision {
            events: decision.events,
            messages: decision.messages,
            answer: Ok(decision.answer),
        },
        Err(mut rejection) => {
            rejection.message = cut(&rejection.message, KEPT_TEXT_MAX);
            Decision {
                events: vec![Event::Refused {
                    source,
                    sequence,
                    barcode: barcode.into(),
                    rejection: rejection.clone(),
                }],
                messages: Vec::new(),
                answer: Err(rejection),
            }
        }
    }
}

fn first(
    rules: &Rules,
    registration: Registration,
    origin: Origin,
    custody: Option<&Custody>,
    now: Timestamp,
) -> Result<Decision<Receipt>, Rejection> {
    let version = registration.version_or(1);
    let source = registration.source.clone();
    let mut sample = accept(rules, registration, Subject::New, version, now)?;
    if let Some(custody) = custody {
        sample.lab = custody.lab.clone();
        sample.flags.push(Flag::RegisteredAfterReceipt);
    }
    let received_at = custody.map(|c| c.received_at);
    let stated = stated(&rules.policy, sample, source, origin, received_at);
    let mut messages = vec![Outgoing::to_pooling(
        &stated.sample.lab,
        Message::SampleDetails(stated.sample.clone()),
    )];
    messages.extend(recollected(&stated.sample));
    let answer = receipt(Effect::Accepted, &stated.sample, stated.deadline.due);
    Ok(Decision {
        events: vec![Event::Registered(stated)],
        messages,
        answer,
    })
}

/// Tells the lane of the old barcode that its replacement is there.
fn recollected(sample: &Sample) -> Option<Outgoing> {
    let old = sample.recollection_of.clone()?;
    Some(Outgoing {
        service: Service::Intake,
        key: old.to_string(),
        message: Message::Recollected(Recollected {
            old,
            new: sample.barcode.clone(),
            subjects: sample.subjects.clone(),
        }),
    })
}

fn stated(
    policy: &Policy,
    sample: Sample,
    source: String,
    origin: Origin,
    received_at: Option<Timestamp>,
) -> Stated {
    let deadline = Deadline::of(policy, &sample, received_at);
    Stated {
        at_risk: deadline.at_risk_after(policy, STAGES_BEFORE_RECEIPT),
        deadline,
        // A source that is the site itself is not kept twice.
        source: if source == sample.site.as_str() {
            String::new()
        } else {
            source
        },
        sequence: match origin {
            Origin::Call => None,
            Origin::Stream { sequence } => Some(sequence),
        },
        sample,
    }
}

fn receipt(effect: Effect, sample: &Sample, due: Timestamp) -> Receipt {
    Receipt {
        barcode: sample.barcode.clone(),
        effect,
        version: sample.version,
        sample: Some(sample.clone()),
        due: Some(due),
    }
}

/// A barcode that is registered is stated again.
fn again(
    context: Context<'_>,
    rules: &Rules,
    registration: Registration,
    origin: Origin,
    entry: &Entry,
) -> Result<Decision<Receipt>, Rejection> {
    let (by, current) = entry.stated().unwrap_or_default();
    let version = registration.version_or(1);
    if let Life::Withdrawn(withdrawn) = &entry.life
        && version >= current
    {
        return Err(is_withdrawn(withdrawn));
    }
    let differs = match &entry.life {
        Life::Open(open) => differences(&registration, &open.sample),
        Life::Closed(closed) if closed.digest != registration.digest() => vec!["its content"],
        Life::Filed(card) if card.digest != registration.digest().to_le_bytes() => {
            vec!["its content"]
        }
        _ => Vec::new(),
    };
    if by != registration.stated_by() && !differs.is_empty() {
        return Err(taken(&registration, by, &differs));
    }
    if by == registration.stated_by() && version > current {
        return amend_as(context, rules, registration, origin, entry, version);
    }
    if version == current && !differs.is_empty() {
        return Err(conflict(&registration, version, &differs));
    }
    let effect = if version < current && !differs.is_empty() {
        Effect::OldVersion
    } else {
        Effect::AlreadyKnown
    };
    Ok(Decision::nothing(in_force(effect, entry)))
}

fn in_force(effect: Effect, entry: &Entry) -> Receipt {
    match &entry.life {
        Life::Open(open) => receipt(effect, &open.sample, open.deadline.due),
        _ => Receipt {
            barcode: entry.barcode().clone(),
            effect,
            version: entry.stated().map_or(0, |(_, version)| version),
            sample: None,
            due: None,
        },
    }
}

fn taken(registration: &Registration, by: &str, differs: &[&str]) -> Rejection {
    Rejection::new(
        Code::AlreadyExists,
        "BARCODE_TAKEN",
        "barcode",
        format!(
            "barcode {} was registered by {by:?} with other content: {} differ",
            registration.barcode,
            differs.join(", ")
        ),
        "two tubes may carry this label: hold this one, and register it under a new label",
    )
}

fn conflict(registration: &Registration, version: u32, differs: &[&str]) -> Rejection {
    Rejection::new(
        Code::AlreadyExists,
        "REGISTRATION_CONFLICT",
        differs.first().copied().unwrap_or_default(),
        format!(
            "version {version} of barcode {} says something else: {} differ",
            registration.barcode,
            differs.join(", ")
        ),
        format!(
            "send a correction as version {}; another tube needs another label",
            version.saturating_add(1)
        ),
    )
}

/// Amends an open or closed registration, at a version known to be above the present one.
pub(super) fn amend_as(
    context: Context<'_>,
    rules: &Rules,
    registration: Registration,
    origin: Origin,
    entry: &Entry,
    version: u32,
) -> Result<Decision<Receipt>, Rejection> {
    let registered_at = match &entry.life {
        Life::Open(open) => open.sample.registered_at,
        Life::Closed(closed) => closed.registered_at,
        Life::Withdrawn(withdrawn) => return Err(is_withdrawn(withdrawn)),
        // When a filed one was registered is not kept.
        Life::Seen(_) | Life::Filed(_) => context.now,
    };
    let source = registration.source.clone();
    let known = Subject::Known { registered_at };
    let stated_lab = registration.lab.clone();
    let mut sample = accept(rules, registration, known, version, context.now)?;
    let holder = entry.holder();
    if let Some(holder) = &holder {
        if let Some(lab) = stated_lab.filter(|lab| *lab != holder.tube.lab) {
            return Err(has_tube(&sample, holder, lab.as_str()));
        }
        sample.lab = holder.tube.lab.clone();
    }
    let was = match &entry.life {
        Life::Open(open) => Some(open.as_ref()),
        _ => None,
    };
    if was.is_some_and(|open| open.sample.flags.contains(&Flag::RegisteredAfterReceipt)) {
        sample.flags.push(Flag::RegisteredAfterReceipt);
    }
    let received_at = holder.as_ref().and_then(|holder| holder.received_at);
    let stated = stated(&rules.policy, sample, source, origin, received_at);
    let messages = match (&entry.life, holder) {
        (Life::Filed(_), Some(holder)) => after_filing(holder.tube, &stated.sample),
        _ => amendments(was, &stated.sample),
    };
    let answer = receipt(Effect::Amended, &stated.sample, stated.deadline.due);
    Ok(Decision {
        events: vec![Event::Amended(stated)],
        messages,
        answer,
    })
}

/// Pooling has nothing of a filed sample: results hears at once that its report does not follow the new version, and
/// tells a person.
fn after_filing(tube: TubeId, sample: &Sample) -> Vec<Outgoing> {
    let lab = tube.lab.to_string();
    let amended = MemberAmended {
        tube,
        sample: Some(sample.clone()),
        withdrawn: false,
    };
    let mut messages = vec![Outgoing {
        service: Service::Results,
        key: lab,
        message: Message::MemberAmended(amended),
    }];
    messages.extend(recollected(sample));
    messages
}

/// The lab hears the new version; a lab it no longer goes to hears that; a newly named old sample too.
fn amendments(was: Option<&Open>, sample: &Sample) -> Vec<Outgoing> {
    let mut messages = Vec::new();
    if let Some(open) = was.filter(|open| open.sample.lab != sample.lab) {
        messages.push(goes_elsewhere(&open.sample, &sample.lab, sample.version));
    }
    messages.push(Outgoing::to_pooling(
        &sample.lab,
        Message::SampleDetails(sample.clone()),
    ));
    if was.is_none_or(|open| open.sample.recollection_of != sample.recollection_of) {
        messages.extend(recollected(sample));
    }
    messages
}

/// Tells the lab that a sample was routed to that it will not come.
pub(super) fn goes_elsewhere(sample: &Sample, lab: &LabId, version: u32) -> Outgoing {
    Outgoing::to_pooling(
        &sample.lab,
        Message::SampleWithdrawn(SampleWithdrawn {
            lab: sample.lab.clone(),
            barcode: sample.barcode.clone(),
            version,
            reason: format!("belongs to lab {lab}"),
        }),
    )
}

fn is_withdrawn(withdrawn: &super::state::Withdrawn) -> Rejection {
    Rejection::precondition(
        "BARCODE_WITHDRAWN",
        "barcode",
        format!(
            "barcode {} was cancelled at {} as version {}",
            withdrawn.barcode, withdrawn.at, withdrawn.version
        ),
        "register the person again with a new tube",
    )
}

fn has_tube(sample: &Sample, holder: &Holder, lab: &str) -> Rejection {
    let since = holder
        .received_at
        .map_or_else(String::new, |at| format!(" since {at}"));
    Rejection::precondition(
        "LAB_HAS_TUBE",
        "lab",
        format!(
            "lab {} has the tube {}{since}: it cannot be routed to {lab:?}",
            holder.tube.lab, sample.barcode
        ),
        "leave the lab out",
    )
}
