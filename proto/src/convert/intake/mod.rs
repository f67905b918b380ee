//! Registrations, events and receipts of intake.

mod board;
mod query;

pub use board::lab_board;

use super::message::{order_id, tube_id};
use super::{WireError, enum_conversion};
use crate::{lane, v1};
use tenfold_domain::Rejection;
use tenfold_domain::intake::state::Standing;
use tenfold_domain::intake::{Effect, Event, Receipt, Registration, Stated};
use tenfold_domain::message::{self, Message};
use tenfold_domain::sample::{Kind, Sample};
use tenfold_domain::time::Timestamp;
use tenfold_domain::turnaround::Deadline;

enum_conversion!(Effect, v1::RegistrationEffect, "effect", {
    Accepted, Amended, AlreadyKnown, OldVersion,
});
enum_conversion!(Standing, v1::Standing, "standing", { OnTime, AtRisk, Late });

impl From<v1::Registration> for Registration {
    /// Cannot fail: what is missing or wrong is told by the decision, with every other problem.
    fn from(r: v1::Registration) -> Self {
        let kind = Kind::try_from(r.kind()).ok();
        Self {
            kind,
            barcode: r.barcode.into(),
            source: r.source,
            version: r.version,
            site: r.site.into(),
            lab: given(r.lab).map(Into::into),
            specimen_type: r.specimen_type,
            class: r.sampling_class.into(),
            subjects: r.subjects.into_iter().map(Into::into).collect(),
            collection_pool: r.collection_pool,
            observed_swabs: r.observed_swabs,
            collected_at: r.collected_at.map(Timestamp),
            collector: given(r.collector),
            round: given(r.round),
            transport_box: given(r.transport_box),
            recollection_of: given(r.recollection_of).map(Into::into),
            isolation_repeat: r.isolation_repeat,
        }
    }
}

/// An empty text is one that is not given: JSON and CSV senders write both.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

impl From<Registration> for v1::Registration {
    fn from(r: Registration) -> Self {
        Self {
            barcode: r.barcode.to_string(),
            source: r.source,
            version: r.version,
            site: r.site.to_string(),
            lab: r.lab.map(|lab| lab.to_string()),
            kind: r.kind.map_or(v1::Kind::Unspecified, Into::into).into(),
            specimen_type: r.specimen_type,
            sampling_class: r.class.to_string(),
            subjects: r.subjects.iter().map(ToString::to_string).collect(),
            collection_pool: r.collection_pool,
            observed_swabs: r.observed_swabs,
            collected_at: r.collected_at.map(|at| at.0),
            collector: r.collector,
            round: r.round,
            transport_box: r.transport_box,
            recollection_of: r.recollection_of.map(|b| b.to_string()),
            isolation_repeat: r.isolation_repeat,
        }
    }
}

impl From<Rejection> for v1::RegistrationRefusal {
    fn from(rejection: Rejection) -> Self {
        let r = lane::Rejection::from(rejection);
        Self {
            code: r.code,
            reason: r.reason,
            field: r.field,
            message: r.message,
            help: r.help,
        }
    }
}

impl From<v1::RegistrationRefusal> for Rejection {
    fn from(r: v1::RegistrationRefusal) -> Self {
        lane::Rejection {
            code: r.code,
            reason: r.reason,
            field: r.field,
            message: r.message,
            help: r.help,
        }
        .into()
    }
}

impl From<Stated> for v1::StatedRegistration {
    fn from(s: Stated) -> Self {
        Self {
            sample: Some(s.sample.into()),
            source: s.source,
            sequence: s.sequence,
            due_from: s.deadline.from.0,
            due: s.deadline.due.0,
            policy: s.deadline.policy,
            at_risk: s.at_risk.0,
        }
    }
}

impl TryFrom<v1::StatedRegistration> for Stated {
    type Error = WireError;
    fn try_from(s: v1::StatedRegistration) -> Result<Self, WireError> {
        Ok(Self {
            sample: s.sample.ok_or(WireError::missing("sample"))?.try_into()?,
            source: s.source,
            sequence: s.sequence,
            deadline: Deadline {
                from: Timestamp(s.due_from),
                due: Timestamp(s.due),
                policy: s.policy,
            },
            at_risk: Timestamp(s.at_risk),
        })
    }
}

/// The part of a message that an event shares with it.
macro_rules! message_part {
    ($case:ident, $value:expr) => {
        match v1::Message::from(Message::$case($value)).message {
            Some(v1::message::Message::$case(part)) => Some(part),
            _ => None,
        }
    };
}

impl From<Event> for v1::IntakeEvent {
    fn from(event: Event) -> Self {
        use v1::intake_event::Event as Wire;
        let event = match event {
            Event::PolicyActivated { content, version } => {
                Some(Wire::PolicyActivated(v1::PolicyActivated {
                    content,
                    version,
                }))
            }
            Event::Registered(stated) => Some(Wire::Registered(stated.into())),
            Event::Amended(stated) => Some(Wire::Amended(stated.into())),
            Event::Withdrawn {
                barcode,
                version,
                reason,
            } => Some(Wire::Withdrawn(v1::SampleWithdrawn {
                barcode: barcode.to_string(),
                version,
                reason,
                lab: String::new(),
            })),
            Event::TubeReceived(seen) => message_part!(TubeSeen, seen).map(Wire::TubeReceived),
            Event::CustodyDisputed { barcode, claimant } => {
                Some(Wire::CustodyDisputed(v1::CustodyDisputed {
                    barcode: barcode.to_string(),
                    claimant: claimant.to_string(),
                }))
            }
            Event::Closed(closing) => message_part!(SampleClosed, closing).map(Wire::Closed),
            Event::Filed { barcode, tube } => Some(Wire::Filed(v1::IntakeFiled {
                barcode: barcode.text(),
                tube: tube.text(),
            })),
            Event::CardDropped { barcode, tube } => {
                Some(Wire::CardDropped(v1::IntakeCardDropped {
                    barcode: barcode.text(),
                    tube: tube.text(),
                }))
            }
            Event::RecollectionOrdered(order) => {
                message_part!(RecollectionOrdered, order).map(Wire::RecollectionOrdered)
            }
            Event::ReplacementNoted(new) => {
                message_part!(Recollected, new).map(Wire::ReplacementNoted)
            }
            Event::RecollectionFulfilled { order, old, new } => {
                Some(Wire::RecollectionFulfilled(v1::RecollectionFulfilled {
                    order: order.to_string(),
                    old: old.to_string(),
                    new: new.to_string(),
                }))
            }
            Event::ResultAwaited(awaited) => {
                message_part!(RecollectionRegistered, awaited).map(Wire::ResultAwaited)
            }
            Event::WatchChecked { due, at_risk, late } => {
                let text = |all: Vec<_>| all.iter().map(ToString::to_string).collect();
                Some(Wire::WatchChecked(v1::IntakeWatchChecked {
                    due: due.0,
                    at_risk: text(at_risk),
                    late: text(late),
                }))
            }
            Event::Refused {
                source,
                sequence,
                barcode,
                rejection,
            } => Some(Wire::RegistrationRefused(v1::RegistrationRefused {
                source,
                sequence,
                barcode: barcode.to_string(),
                refusal: Some(rejection.into()),
            })),
        };
        Self { event }
    }
}

impl TryFrom<v1::IntakeEvent> for Event {
    type Error = WireError;
    fn try_from(event: v1::IntakeEvent) -> Result<Self, WireError> {
        use v1::intake_event::Event as Wire;
        Ok(match event.event.ok_or(WireError::missing("event"))? {
            Wire::PolicyActivated(p) => Self::PolicyActivated {
                content: p.content,
                version: p.version,
            },
            Wire::Registered(stated) => Self::Registered(stated.try_into()?),
            Wire::Amended(stated) => Self::Amended(stated.try_into()?),
            Wire::Withdrawn(w) => Self::Withdrawn {
                barcode: w.barcode.into(),
                version: w.version,
                reason: w.reason,
            },
            Wire::TubeReceived(seen) => Self::TubeReceived(message::TubeSeen {
                barcode: seen.barcode.into(),
                lab: seen.lab.into(),
                tube: tube_id(&seen.tube, "tube")?,
                received_at: Timestamp(seen.received_at),
                known_version: Some(seen.known_version).filter(|version| *version > 0),
            }),
            Wire::CustodyDisputed(d) => Self::CustodyDisputed {
                barcode: d.barcode.into(),
                claimant: d.claimant.into(),
            },
            Wire::Closed(c) => Self::Closed(message::SampleClosed {
                result: c.result().try_into()?,
                barcode: c.barcode.into(),
                tube: tube_id(&c.tube, "tube")?,
                report_version: c.report_version,
                reported_at: Timestamp(c.reported_at),
            }),
            Wire::Filed(f) => Self::Filed {
                barcode: f.barcode.into(),
                tube: tube_id(&f.tube, "tube")?,
            },
            Wire::CardDropped(d) => Self::CardDropped {
                barcode: d.barcode.into(),
                tube: tube_id(&d.tube, "tube")?,
            },
            Wire::RecollectionOrdered(o) => Self::RecollectionOrdered(message::RecollectionOrder {
                order: order_id(&o.order, "order")?,
                barcode: o.barcode.into(),
                subject: o.subject.into(),
                reason: o.reason,
                ordered_at: Timestamp(o.ordered_at),
                due: Timestamp(o.due),
            }),
            Wire::ReplacementNoted(r) => Self::ReplacementNoted(message::Recollected {
                old: r.old.into(),
                new: r.new.into(),
                subjects: r.subjects.into_iter().map(Into::into).collect(),
            }),
            Wire::RecollectionFulfilled(f) => Self::RecollectionFulfilled {
                order: order_id(&f.order, "order")?,
                old: f.old.into(),
                new: f.new.into(),
            },
            Wire::ResultAwaited(r) => Self::ResultAwaited(message::RecollectionRegistered {
                order: order_id(&r.order, "order")?,
                barcode: r.barcode.into(),
            }),
            Wire::WatchChecked(w) => Self::WatchChecked {
                due: Timestamp(w.due),
                at_risk: w.at_risk.into_iter().map(Into::into).collect(),
                late: w.late.into_iter().map(Into::into).collect(),
            },
            Wire::RegistrationRefused(r) => Self::Refused {
                source: r.source,
                sequence: r.sequence,
                barcode: r.barcode.into(),
                rejection: r.refusal.ok_or(WireError::missing("refusal"))?.into(),
            },
        })
    }
}

impl From<Receipt> for v1::RegistrationReceipt {
    fn from(r: Receipt) -> Self {
        Self {
            barcode: r.barcode.to_string(),
            effect: v1::RegistrationEffect::from(r.effect).into(),
            version: r.version,
            sample: r.sample.map(Into::into),
            due: r.due.map(|at| at.0),
        }
    }
}

impl TryFrom<v1::RegistrationReceipt> for Receipt {
    type Error = WireError;
    fn try_from(r: v1::RegistrationReceipt) -> Result<Self, WireError> {
        Ok(Self {
            effect: r.effect().try_into()?,
            barcode: r.barcode.into(),
            version: r.version,
            sample: r.sample.map(Sample::try_from).transpose()?,
            due: r.due.map(Timestamp),
        })
    }
}
