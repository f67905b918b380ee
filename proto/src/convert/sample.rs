//! Samples and the small enums that all services share.

use super::{WireError, enum_conversion};
use crate::v1;
use tenfold_domain::message::{Control, FinalResult, RetestReason};
use tenfold_domain::sample::{Flag, Hold, Kind, Sample};
use tenfold_domain::time::Timestamp;
use tenfold_domain::well::{PlateSize, QuadrantOrder};

enum_conversion!(Kind, v1::Kind, "kind", { Person, Object, Environment });
enum_conversion!(Flag, v1::Flag, "flags", {
    CollectedInFuture, LateEntry, CollectedUnknown, RegisteredAfterReceipt, IsolationRepeat,
});
enum_conversion!(QuadrantOrder, v1::QuadrantOrder, "quadrants", { RowWise, ColumnWise });
enum_conversion!(Control, v1::Control, "control", {
    Positive, Negative, WeakPositive, BatchNegative, Extraction,
});
enum_conversion!(RetestReason, v1::RetestReason, "reason", {
    PoolPositive, PoolSuspect, PoolInvalid, Inconclusive, Invalid,
});
enum_conversion!(FinalResult, v1::FinalResult, "result", {
    Negative, Positive, Inconclusive, Recollect, Withdrawn,
});

impl From<PlateSize> for v1::PlateSize {
    fn from(size: PlateSize) -> Self {
        match size {
            PlateSize::P96 => Self::PlateSize96,
            PlateSize::P384 => Self::PlateSize384,
        }
    }
}

impl TryFrom<v1::PlateSize> for PlateSize {
    type Error = WireError;
    fn try_from(size: v1::PlateSize) -> Result<Self, WireError> {
        match size {
            v1::PlateSize::PlateSize96 => Ok(Self::P96),
            v1::PlateSize::PlateSize384 => Ok(Self::P384),
            v1::PlateSize::Unspecified => Err(WireError::missing("size")),
        }
    }
}

impl From<Hold> for v1::Hold {
    fn from(hold: Hold) -> Self {
        let Hold::CountMismatch {
            registered,
            observed,
        } = hold;
        Self {
            hold: Some(v1::hold::Hold::CountMismatch(v1::CountMismatch {
                registered,
                observed,
            })),
        }
    }
}

impl TryFrom<v1::Hold> for Hold {
    type Error = WireError;
    fn try_from(hold: v1::Hold) -> Result<Self, WireError> {
        match hold.hold.ok_or(WireError::missing("hold"))? {
            v1::hold::Hold::CountMismatch(m) => Ok(Self::CountMismatch {
                registered: m.registered,
                observed: m.observed,
            }),
        }
    }
}

impl From<Sample> for v1::Sample {
    fn from(sample: Sample) -> Self {
        Self::from(&sample)
    }
}

impl From<&Sample> for v1::Sample {
    fn from(s: &Sample) -> Self {
        Self {
            barcode: s.barcode.as_str().to_owned(),
            version: s.version,
            site: s.site.as_str().to_owned(),
            lab: s.lab.as_str().to_owned(),
            kind: v1::Kind::from(s.kind).into(),
            specimen_type: s.specimen_type.clone(),
            sampling_class: s.class.as_str().to_owned(),
            subjects: s.subjects.iter().map(|s| s.as_str().to_owned()).collect(),
            collection_pool: s.collection_pool,
            observed_swabs: s.observed_swabs,
            collected_at: s.collected_at.map(|t| t.0),
            registered_at: s.registered_at.0,
            collector: s.collector.clone(),
            round: s.round.clone(),
            transport_box: s.transport_box.clone(),
            flags: s.flags.iter().map(|f| v1::Flag::from(*f).into()).collect(),
            hold: s.hold.clone().map(Into::into),
            recollection_of: s.recollection_of.as_ref().map(|b| b.as_str().to_owned()),
        }
    }
}

impl TryFrom<v1::Sample> for Sample {
    type Error = WireError;
    fn try_from(s: v1::Sample) -> Result<Self, WireError> {
        let kind = s.kind().try_into()?;
        let flags = s.flags().map(Flag::try_from).collect::<Result<_, _>>()?;
        Ok(Self {
            barcode: s.barcode.into(),
            version: s.version,
            site: s.site.into(),
            lab: s.lab.into(),
            kind,
            specimen_type: s.specimen_type,
            class: s.sampling_class.into(),
            subjects: s.subjects.into_iter().map(Into::into).collect(),
            collection_pool: s.collection_pool,
            observed_swabs: s.observed_swabs,
            collected_at: s.collected_at.map(Timestamp),
            registered_at: Timestamp(s.registered_at),
            collector: s.collector,
            round: s.round,
            transport_box: s.transport_box,
            flags,
            hold: s.hold.map(Hold::try_from).transpose()?,
            recollection_of: s.recollection_of.map(Into::into),
        })
    }
}
