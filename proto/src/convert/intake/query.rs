//! What queries of intake answer.

use crate::v1;
use tenfold_domain::intake::query::{Cursor, Told};
use tenfold_domain::intake::state::{Entry, Life, OpenOrder, Verdict};

impl From<Entry> for v1::IntakeSample {
    fn from(entry: Entry) -> Self {
        let stated = entry.stated();
        let (source, version) = stated.map_or((String::new(), 0), |(by, v)| (by.to_owned(), v));
        let custody = entry.holder().map(|holder| v1::Custody {
            tube: holder.tube.text(),
            lab: holder.tube.lab.text(),
            received_at: holder.received_at.map_or(0, |at| at.0),
            epoch: holder.epoch,
            claims: entry
                .custody
                .iter()
                .flat_map(|custody| &custody.claims)
                .map(ToString::to_string)
                .collect(),
        });
        let common = Self {
            barcode: entry.barcode().to_string(),
            source,
            version,
            custody,
            ..Self::default()
        };
        match entry.life {
            Life::Seen(_) => Self {
                life: v1::BarcodeLife::Seen.into(),
                ..common
            },
            Life::Open(open) => Self {
                life: v1::BarcodeLife::Open.into(),
                sample: Some(open.sample.into()),
                due: Some(open.deadline.due.0),
                policy: open.deadline.policy,
                standing: v1::Standing::from(open.standing).into(),
                ..common
            },
            Life::Withdrawn(w) => Self {
                life: v1::BarcodeLife::Withdrawn.into(),
                withdrawn_reason: Some(w.reason),
                withdrawn_at: Some(w.at.0),
                ..common
            },
            Life::Closed(c) => Self {
                life: v1::BarcodeLife::Closed.into(),
                result: v1::FinalResult::from(c.result).into(),
                report_version: c.report_version,
                reported_at: Some(c.reported_at.0),
                ..common
            },
            Life::Filed(card) => Self {
                life: v1::BarcodeLife::Closed.into(),
                result: v1::FinalResult::from(card.result).into(),
                report_version: card.report_version,
                reported_at: Some(card.reported_at.0),
                filed: true,
                ..common
            },
        }
    }
}

impl From<OpenOrder> for v1::OpenRecollection {
    fn from(o: OpenOrder) -> Self {
        Self {
            order: o.order.to_string(),
            barcode: o.barcode.to_string(),
            site: o.site.map(|s| s.to_string()).unwrap_or_default(),
            subject: o.subject.to_string(),
            reason: o.reason,
            ordered_at: o.ordered_at.0,
            due: o.due.0,
        }
    }
}

impl From<Told> for v1::RegistrationOutcome {
    fn from(told: Told) -> Self {
        match told {
            Told::Accepted {
                sequence,
                barcode,
                version,
            } => Self {
                sequence,
                barcode: barcode.to_string(),
                version,
                ..Self::default()
            },
            Told::Refused(outcome) => {
                let refusal = match outcome.verdict {
                    Verdict::Refused(rejection) => Some(rejection.into()),
                    Verdict::Stated { .. } => None,
                };
                Self {
                    sequence: outcome.sequence,
                    barcode: outcome.barcode.to_string(),
                    version: 0,
                    refusal,
                    at: Some(outcome.at.0),
                }
            }
        }
    }
}

impl From<Cursor> for v1::IntakeCursor {
    fn from(c: Cursor) -> Self {
        Self {
            entry: c.entry,
            outcome: c.outcome,
        }
    }
}

impl From<v1::IntakeCursor> for Cursor {
    fn from(c: v1::IntakeCursor) -> Self {
        Self {
            entry: c.entry,
            outcome: c.outcome,
        }
    }
}
