//! What the services tell each other.

use super::{WireError, all, wire};
use crate::v1;
use crate::v1::message::Message as Wire;
use tenfold_domain::ids::{OrderId, PoolId, TubeId};
use tenfold_domain::message as domain;
use tenfold_domain::time::Timestamp;
use tenfold_domain::well::{PlateSize, Well};

/// Reads a tube id such as `lab/T17`.
pub(crate) fn tube_id(text: &str, field: &'static str) -> Result<TubeId, WireError> {
    TubeId::parse(text).ok_or_else(|| WireError::new(field, format!("{text:?} is no tube id")))
}

/// Reads a pool id such as `lab/P17`.
pub(crate) fn pool_id(text: &str, field: &'static str) -> Result<PoolId, WireError> {
    PoolId::parse(text).ok_or_else(|| WireError::new(field, format!("{text:?} is no pool id")))
}

/// Reads an order id such as `lab/O17`.
pub(crate) fn order_id(text: &str, field: &'static str) -> Result<OrderId, WireError> {
    OrderId::parse(text).ok_or_else(|| WireError::new(field, format!("{text:?} is no order id")))
}

/// Reads a well such as `A1`.
pub(crate) fn well(text: &str) -> Result<Well, WireError> {
    Well::parse(PlateSize::P384, text)
        .ok_or_else(|| WireError::new("well", format!("{text:?} is no well")))
}

impl From<domain::Message> for v1::Message {
    fn from(message: domain::Message) -> Self {
        use domain::Message as M;
        let message = match message {
            M::SampleDetails(m) => Wire::SampleDetails(m.into()),
            M::SampleWithdrawn(m) => Wire::SampleWithdrawn(v1::SampleWithdrawn {
                lab: m.lab.text(),
                barcode: m.barcode.text(),
                version: m.version,
                reason: m.reason,
            }),
            M::CustodyConflict(m) => Wire::CustodyConflict(v1::CustodyConflict {
                barcode: m.barcode.text(),
                holder: m.holder.text(),
                epoch: m.epoch,
            }),
            M::TubeSeen(m) => Wire::TubeSeen(v1::TubeSeen {
                barcode: m.barcode.text(),
                lab: m.lab.text(),
                tube: m.tube.text(),
                received_at: m.received_at.0,
                known_version: m.known_version.unwrap_or_default(),
            }),
            M::PlateLoaded(m) => Wire::PlateLoaded(m.into()),
            M::PlateVoided(m) => Wire::PlateVoided(v1::PlateVoided {
                lab: m.lab.text(),
                plate: m.plate.text(),
                reason: m.reason,
            }),
            M::MemberAmended(m) => Wire::MemberAmended(v1::MemberAmended {
                tube: m.tube.text(),
                sample: m.sample.map(Into::into),
                withdrawn: m.withdrawn,
            }),
            M::RetestOrdered(m) => Wire::RetestOrdered(v1::RetestOrder {
                order: m.order.text(),
                tube: m.tube.text(),
                round: m.round,
                reason: v1::RetestReason::from(m.reason).into(),
                due: m.due.0,
            }),
            M::ReplateOrdered(m) => Wire::ReplateOrdered(v1::ReplateOrder {
                lab: m.lab.text(),
                plate: m.plate.text(),
                wells: m.wells.iter().map(ToString::to_string).collect(),
                reason: m.reason,
            }),
            M::SampleClosed(m) => Wire::SampleClosed(v1::SampleClosed {
                barcode: m.barcode.text(),
                tube: m.tube.text(),
                report_version: m.report_version,
                result: v1::FinalResult::from(m.result).into(),
                reported_at: m.reported_at.0,
            }),
            M::RecollectionOrdered(m) => Wire::RecollectionOrdered(v1::RecollectionOrder {
                order: m.order.text(),
                barcode: m.barcode.text(),
                subject: m.subject.text(),
                reason: m.reason,
                ordered_at: m.ordered_at.0,
                due: m.due.0,
            }),
            M::Recollected(m) => Wire::Recollected(v1::Recollected {
                old: m.old.text(),
                new: m.new.text(),
                subjects: m.subjects.iter().map(ToString::to_string).collect(),
            }),
            M::RecollectionRegistered(m) => {
                Wire::RecollectionRegistered(v1::RecollectionRegistered {
                    order: m.order.text(),
                    barcode: m.barcode.text(),
                })
            }
            M::RecollectionFound(m) => Wire::RecollectionFound(v1::RecollectionFound {
                order: m.order.text(),
                barcode: m.barcode.text(),
                finding: v1::FinalResult::from(m.finding).into(),
            }),
            M::SamplesFiled(m) => Wire::SamplesFiled(m.into()),
            M::CardDropped(m) => Wire::CardDropped(v1::CardDropped {
                barcode: m.barcode.text(),
                tube: m.tube.text(),
            }),
        };
        Self {
            message: Some(message),
        }
    }
}

impl TryFrom<v1::Message> for domain::Message {
    type Error = WireError;
    fn try_from(message: v1::Message) -> Result<Self, WireError> {
        Ok(
            match message.message.ok_or(WireError::missing("message"))? {
                Wire::SampleDetails(m) => Self::SampleDetails(m.try_into()?),
                Wire::SampleWithdrawn(m) => Self::SampleWithdrawn(domain::SampleWithdrawn {
                    lab: m.lab.into(),
                    barcode: m.barcode.into(),
                    version: m.version,
                    reason: m.reason,
                }),
                Wire::CustodyConflict(m) => Self::CustodyConflict(domain::CustodyConflict {
                    barcode: m.barcode.into(),
                    holder: m.holder.into(),
                    epoch: m.epoch,
                }),
                Wire::TubeSeen(m) => Self::TubeSeen(domain::TubeSeen {
                    barcode: m.barcode.into(),
                    lab: m.lab.into(),
                    tube: tube_id(&m.tube, "tube")?,
                    received_at: Timestamp(m.received_at),
                    known_version: Some(m.known_version).filter(|version| *version > 0),
                }),
                Wire::PlateLoaded(m) => Self::PlateLoaded(m.try_into()?),
                Wire::PlateVoided(m) => Self::PlateVoided(domain::PlateVoided {
                    lab: m.lab.into(),
                    plate: m.plate.into(),
                    reason: m.reason,
                }),
                Wire::MemberAmended(m) => Self::MemberAmended(domain::MemberAmended {
                    tube: tube_id(&m.tube, "tube")?,
                    sample: m.sample.map(TryInto::try_into).transpose()?,
                    withdrawn: m.withdrawn,
                }),
                Wire::RetestOrdered(m) => Self::RetestOrdered(domain::RetestOrder {
                    reason: m.reason().try_into()?,
                    order: order_id(&m.order, "order")?,
                    tube: tube_id(&m.tube, "tube")?,
                    round: m.round,
                    due: Timestamp(m.due),
                }),
                Wire::ReplateOrdered(m) => Self::ReplateOrdered(domain::ReplateOrder {
                    lab: m.lab.into(),
                    plate: m.plate.into(),
                    wells: m.wells.iter().map(|w| well(w)).collect::<Result<_, _>>()?,
                    reason: m.reason,
                }),
                Wire::SampleClosed(m) => Self::SampleClosed(domain::SampleClosed {
                    result: m.result().try_into()?,
                    barcode: m.barcode.into(),
                    tube: tube_id(&m.tube, "tube")?,
                    report_version: m.report_version,
                    reported_at: Timestamp(m.reported_at),
                }),
                Wire::RecollectionOrdered(m) => {
                    Self::RecollectionOrdered(domain::RecollectionOrder {
                        order: order_id(&m.order, "order")?,
                        barcode: m.barcode.into(),
                        subject: m.subject.into(),
                        reason: m.reason,
                        ordered_at: Timestamp(m.ordered_at),
                        due: Timestamp(m.due),
                    })
                }
                Wire::Recollected(m) => Self::Recollected(domain::Recollected {
                    old: m.old.into(),
                    new: m.new.into(),
                    subjects: m.subjects.into_iter().map(Into::into).collect(),
                }),
                Wire::RecollectionRegistered(m) => {
                    Self::RecollectionRegistered(domain::RecollectionRegistered {
                        order: order_id(&m.order, "order")?,
                        barcode: m.barcode.into(),
                    })
                }
                Wire::RecollectionFound(m) => Self::RecollectionFound(domain::RecollectionFound {
                    finding: m.finding().try_into()?,
                    order: order_id(&m.order, "order")?,
                    barcode: m.barcode.into(),
                }),
                Wire::SamplesFiled(m) => Self::SamplesFiled(m.into()),
                Wire::CardDropped(m) => Self::CardDropped(domain::CardDropped {
                    tube: tube_id(&m.tube, "tube")?,
                    barcode: m.barcode.into(),
                }),
            },
        )
    }
}

impl From<domain::SamplesFiled> for v1::SamplesFiled {
    fn from(m: domain::SamplesFiled) -> Self {
        let samples = m.samples.into_iter().map(|sample| v1::FiledTube {
            barcode: sample.barcode.text(),
            tube: sample.tube,
            version: sample.version,
        });
        Self {
            lab: m.lab.text(),
            samples: samples.collect(),
        }
    }
}

impl From<v1::SamplesFiled> for domain::SamplesFiled {
    fn from(m: v1::SamplesFiled) -> Self {
        let samples = m.samples.into_iter().map(|sample| domain::SampleFiled {
            barcode: sample.barcode.into(),
            tube: sample.tube,
            version: sample.version,
        });
        Self {
            lab: m.lab.into(),
            samples: samples.collect(),
        }
    }
}

impl From<domain::LoadedPlate> for v1::LoadedPlate {
    fn from(p: domain::LoadedPlate) -> Self {
        Self {
            lab: p.lab.text(),
            plate: p.plate.text(),
            size: v1::PlateSize::from(p.size).into(),
            assay: p.assay.text(),
            instrument: p.instrument,
            loaded_at: p.loaded_at.0,
            controls: p
                .controls
                .into_iter()
                .map(|(well, control)| v1::ControlWell {
                    well: well.text(),
                    control: v1::Control::from(control).into(),
                })
                .collect(),
            wells: wire(p.wells),
            dropped: p.dropped.iter().map(ToString::to_string).collect(),
            quadrants: p
                .quadrants
                .map(|order| v1::QuadrantOrder::from(order).into())
                .unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::LoadedPlate> for domain::LoadedPlate {
    type Error = WireError;
    fn try_from(p: v1::LoadedPlate) -> Result<Self, WireError> {
        let size = p.size().try_into()?;
        let quadrants = match p.quadrants() {
            v1::QuadrantOrder::Unspecified => None,
            order => Some(order.try_into()?),
        };
        let controls = p
            .controls
            .iter()
            .map(|c| Ok((well(&c.well)?, c.control().try_into()?)))
            .collect::<Result<_, WireError>>()?;
        Ok(Self {
            lab: p.lab.into(),
            plate: p.plate.into(),
            size,
            assay: p.assay.into(),
            instrument: p.instrument,
            loaded_at: Timestamp(p.loaded_at),
            controls,
            wells: all(p.wells)?,
            dropped: p
                .dropped
                .iter()
                .map(|dropped| well(dropped))
                .collect::<Result<_, WireError>>()?,
            quadrants,
        })
    }
}

impl From<domain::LoadedWell> for v1::LoadedWell {
    fn from(w: domain::LoadedWell) -> Self {
        Self {
            well: w.well.text(),
            plated_at: w.plated_at.0,
            pool: w.pool.map(|p| p.to_string()),
            members: wire(w.members),
        }
    }
}

impl TryFrom<v1::LoadedWell> for domain::LoadedWell {
    type Error = WireError;
    fn try_from(w: v1::LoadedWell) -> Result<Self, WireError> {
        Ok(Self {
            well: well(&w.well)?,
            plated_at: Timestamp(w.plated_at),
            pool: w.pool.map(|p| pool_id(&p, "pool")).transpose()?,
            members: all(w.members)?,
        })
    }
}

impl From<domain::Member> for v1::Member {
    fn from(m: domain::Member) -> Self {
        Self {
            tube: m.tube.text(),
            sample: Some(m.sample.into()),
            withdrawn: m.withdrawn,
            round: m.round,
            order: m.order.map(|o| o.to_string()),
            received_at: m.received_at.0,
            transferred_at: m.transferred_at.0,
            due: m.due.0,
            policy: m.policy,
        }
    }
}

impl TryFrom<v1::Member> for domain::Member {
    type Error = WireError;
    fn try_from(m: v1::Member) -> Result<Self, WireError> {
        Ok(Self {
            tube: tube_id(&m.tube, "tube")?,
            sample: m.sample.ok_or(WireError::missing("sample"))?.try_into()?,
            withdrawn: m.withdrawn,
            round: m.round,
            order: m.order.map(|o| order_id(&o, "order")).transpose()?,
            received_at: Timestamp(m.received_at),
            transferred_at: Timestamp(m.transferred_at),
            due: Timestamp(m.due),
            policy: m.policy,
        })
    }
}
