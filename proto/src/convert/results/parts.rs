//! Names, groups and enums of results. Tubes travel in groups: a negative pool of ten is one group of
//! ten small numbers.

use crate::convert::message::{pool_id, tube_id};
use crate::convert::{WireError, enum_conversion};
use crate::v1;
use tenfold_domain::ids::{PoolId, TubeId};
use tenfold_domain::results::call::Call;
use tenfold_domain::results::event::{CargoRef, Check, Issued, LabNumber, OrderEnd};
use tenfold_domain::results::report::Verdict;
use tenfold_domain::results::run::ImportState;
use tenfold_domain::results::state::{PoolEnd, PoolRef, Stuck, WorkKind};

enum_conversion!(Call, v1::WellCall, "call", { Negative, Positive, SingleTarget, Grey, Invalid });
enum_conversion!(PoolEnd, v1::SuspectPoolEnd, "end", { Confirmed, Unconfirmed, Unresolved });
enum_conversion!(OrderEnd, v1::OrderEnd, "end", { Fulfilled, Superseded });
enum_conversion!(Verdict, v1::Verdict, "verdict", {
    Negative, Positive, Inconclusive, Recollect, Withdrawn, Retracted,
});
enum_conversion!(Stuck, v1::StuckReason, "why", { Rejected, GivenUp });
enum_conversion!(WorkKind, v1::ResultsWorkKind, "kind", {
    Quarantined, DeliveryRejected, DeliveryGivenUp, ContaminationReview, ReanalysisReview,
    BrokenChain, VoidedAfterReport, AfterFiling,
});
enum_conversion!(Check, v1::ClockCheck, "check", { Read, Reported, Due });
enum_conversion!(ImportState, v1::ImportState, "state", {
    Released, OutOfControl, SetAside, Parked, Quarantined,
});

impl From<LabNumber> for v1::LabNumber {
    fn from(of: LabNumber) -> Self {
        Self {
            lab: of.lab.to_string(),
            number: of.number,
        }
    }
}

impl From<v1::LabNumber> for LabNumber {
    fn from(of: v1::LabNumber) -> Self {
        Self::new(of.lab.into(), of.number)
    }
}

/// A numbered thing that must be there.
pub(super) fn numbered(
    of: Option<v1::LabNumber>,
    field: &'static str,
) -> Result<LabNumber, WireError> {
    of.map(Into::into).ok_or(WireError::missing(field))
}

/// Reads `lab/P17` or `lab/T17`.
pub(super) fn pool_ref(text: &str) -> Result<PoolRef, WireError> {
    if PoolId::parse(text).is_some() {
        return pool_id(text, "pool").map(PoolRef::Lab);
    }
    tube_id(text, "pool").map(PoolRef::Tube)
}

/// Tubes in groups of one lab, in their order.
pub(super) fn group(tubes: Vec<TubeId>) -> Vec<v1::TubeGroup> {
    let mut groups: Vec<v1::TubeGroup> = Vec::new();
    for tube in tubes {
        match groups.last_mut() {
            Some(last) if last.lab == tube.lab.as_str() => last.numbers.push(tube.number),
            _ => groups.push(v1::TubeGroup {
                lab: tube.lab.to_string(),
                numbers: vec![tube.number],
            }),
        }
    }
    groups
}

/// The tubes of groups.
pub(super) fn ungroup(groups: Vec<v1::TubeGroup>) -> Vec<TubeId> {
    groups
        .into_iter()
        .flat_map(|group| {
            let lab = group.lab;
            group
                .numbers
                .into_iter()
                .map(move |number| TubeId::new(lab.as_str(), number))
        })
        .collect()
}

/// Reports in groups of one lab and version, in their order.
pub(super) fn group_reports(reports: Vec<Issued>) -> Vec<v1::ReportGroup> {
    let mut groups: Vec<v1::ReportGroup> = Vec::new();
    for report in reports {
        let replaces = report.replaces.unwrap_or(0);
        match groups.last_mut() {
            Some(last)
                if last.lab == report.tube.lab.as_str()
                    && last.version == report.version
                    && last.replaces == replaces =>
            {
                last.numbers.push(report.tube.number);
            }
            _ => groups.push(v1::ReportGroup {
                lab: report.tube.lab.to_string(),
                numbers: vec![report.tube.number],
                version: report.version,
                replaces,
            }),
        }
    }
    groups
}

/// The reports of groups.
pub(super) fn ungroup_reports(groups: Vec<v1::ReportGroup>) -> Vec<Issued> {
    groups
        .into_iter()
        .flat_map(|group| {
            let (lab, version) = (group.lab, group.version);
            let replaces = (group.replaces > 0).then_some(group.replaces);
            group.numbers.into_iter().map(move |number| Issued {
                tube: TubeId::new(lab.as_str(), number),
                version,
                replaces,
            })
        })
        .collect()
}

/// Reports and alerts.
pub(super) fn cargo(of: Vec<CargoRef>) -> v1::Cargo {
    let mut reports = Vec::new();
    let mut alerts = Vec::new();
    for cargo in of {
        match cargo {
            CargoRef::Report { tube, version } => reports.push(Issued {
                tube,
                version,
                replaces: None,
            }),
            CargoRef::Alert(pool) => alerts.push(pool.to_string()),
        }
    }
    v1::Cargo {
        reports: group_reports(reports),
        alerts,
    }
}

/// Reports, then alerts.
pub(super) fn uncargo(of: Option<v1::Cargo>) -> Result<Vec<CargoRef>, WireError> {
    let of = of.ok_or(WireError::missing("cargo"))?;
    let mut all: Vec<CargoRef> = ungroup_reports(of.reports)
        .into_iter()
        .map(|report| CargoRef::Report {
            tube: report.tube,
            version: report.version,
        })
        .collect();
    for pool in of.alerts {
        all.push(CargoRef::Alert(pool_ref(&pool)?));
    }
    Ok(all)
}

/// The one delivery of a cargo.
pub(super) fn one_cargo(of: Option<v1::Cargo>) -> Result<CargoRef, WireError> {
    uncargo(of)?
        .into_iter()
        .next()
        .ok_or(WireError::missing("cargo"))
}
