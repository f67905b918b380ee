//! Commands of results, and what receivers get.

use crate::convert::WireError;
use crate::v1;
use crate::v1::results_command::Command as Wire;
use tenfold_domain::results::decide::{Command, Reply};
use tenfold_domain::results::delivery::Acknowledgement;
use tenfold_domain::results::event::LabNumber;
use tenfold_domain::results::report::{AlertNotice, Report};
use tenfold_domain::results::work::Resolution;

impl TryFrom<v1::ResultsCommand> for Command {
    type Error = WireError;
    fn try_from(command: v1::ResultsCommand) -> Result<Self, WireError> {
        Ok(
            match command.command.ok_or(WireError::missing("command"))? {
                Wire::ImportRun(c) => Self::ImportRun(Box::new(c.try_into()?)),
                Wire::Send(c) => Self::Send {
                    receiver: c.receiver.into(),
                    numbers: c.numbers,
                },
                Wire::Acknowledge(c) => Self::Acknowledge {
                    receiver: c.receiver.into(),
                    answers: c
                        .answers
                        .into_iter()
                        .map(|answer| Acknowledgement {
                            number: answer.number,
                            refused: (!answer.rejected.is_empty()).then_some(answer.rejected),
                        })
                        .collect(),
                },
                Wire::ResolveWork(c) => Self::ResolveWork {
                    how: match c.how() {
                        v1::WorkResolution::Redeliver => Resolution::Redeliver,
                        v1::WorkResolution::Acknowledged => Resolution::Acknowledged,
                        v1::WorkResolution::Done => Resolution::Done,
                        v1::WorkResolution::Unspecified => return Err(WireError::missing("how")),
                    },
                    work: LabNumber::new(c.lab.into(), c.number),
                    actor: c.actor.into(),
                    note: c.note,
                },
            },
        )
    }
}

impl From<Reply> for v1::ResultsReply {
    fn from(reply: Reply) -> Self {
        use v1::results_reply::Reply as To;
        Self {
            reply: Some(match reply {
                Reply::Imported(outcome) => To::Imported(outcome.into()),
                Reply::Sent(numbers) => To::Sent(v1::DeliveryNumbers { numbers }),
                Reply::Done => To::Done(v1::ResolveWorkReply {}),
            }),
        }
    }
}

impl From<Report> for v1::Report {
    fn from(r: Report) -> Self {
        Self {
            lab: r.lab.to_string(),
            barcode: r.barcode.to_string(),
            tube: r.tube.to_string(),
            version: r.version,
            replaces: r.replaces,
            verdict: v1::Verdict::from(r.verdict).into(),
            issued_at: r.issued_at.0,
            site: r.site.to_string(),
            kind: v1::Kind::from(r.kind).into(),
            specimen_type: r.specimen_type,
            sampling_class: r.class,
            sample_version: r.sample_version,
            subjects: r.subjects.iter().map(ToString::to_string).collect(),
            collection_pool: r.collection_pool,
            pooled: r.pooled,
            collected_at: r.collected_at.map(|at| at.0),
            received_at: r.received_at.0,
            due: r.due.0,
            recollection_of: r.recollection_of.map(|b| b.to_string()),
        }
    }
}

impl From<AlertNotice> for v1::PoolAlert {
    fn from(a: AlertNotice) -> Self {
        Self {
            lab: a.lab.to_string(),
            pool: a.pool.to_string(),
            call: v1::WellCall::from(a.call).into(),
            at: a.at.0,
            due: a.due.0,
            barcodes: a.barcodes.iter().map(ToString::to_string).collect(),
        }
    }
}
