//! Pools, benches and plates.

use super::{Policy, PolicyError, problem};
use crate::ids::{AssayId, BenchId, ClassId, LabId, SiteId};
use crate::time::Millis;
use crate::well::{PlateSize, QuadrantOrder, Well};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Pools of more than this were never validated by anyone; also the bound of a pool's record.
pub const POOL_MEMBERS_MAX: u8 = 50;

/// Rules for pools and plates. Every key has a default, which is the field's usual value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolingPolicy {
    /// Minutes an open pool waits for more members before it seals.
    pub linger_minutes: u32,
    /// Minutes an open pool waits even if a member is already late: without it, a late backlog
    /// would be pooled one by one, and be later still.
    pub linger_least_minutes: u32,
    /// Most pools open at one bench at a time.
    pub open_pools_max: u8,
    /// Liquid in a tube at receipt, in microlitres.
    pub tube_volume_ul: u32,
    /// Liquid a tube gives to a pool.
    pub pool_take_ul: u32,
    /// Liquid a well takes from a pool or a single tube.
    pub well_take_ul: u32,
    /// Liquid a well of a 384-well plate takes from a well of a 96-well plate.
    pub quadrant_take_ul: u32,
    /// Most members of a pool at a bench that names no assay.
    pub pool_max: u8,
    /// Risk of sites that `site_risk` does not name.
    pub risk: Risk,
    /// Most members of a pool by risk.
    pub risk_limits: RiskLimits,
    /// Risk by site.
    pub site_risk: BTreeMap<SiteId, Risk>,
    /// Classes that mix with no class outside their group; a class that is not named here is in the group "".
    pub mixing: BTreeMap<ClassId, String>,
    /// Benches that `benches` does not name.
    pub default_bench: Bench,
    /// Benches by `lab/bench`.
    pub benches: BTreeMap<String, Bench>,
    /// Plate layouts by name; `standard` is used if a plate names none.
    pub layouts: BTreeMap<String, Layout>,
}

/// Prevalence where a sample was collected, as the authority states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// 10 in 1 by default.
    Low,
    /// 5 in 1 by default.
    Medium,
    /// Singly by default.
    High,
}

/// Most members of a pool by risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RiskLimits {
    pub low: u8,
    pub medium: u8,
    pub high: u8,
}

/// How a bench makes pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchMode {
    /// A tube is scanned and gets pool and slot; the next scan or a confirmation records its transfer.
    Scan,
    /// A whole rack is planned at once for a liquid handler, then confirmed.
    Rack,
    /// Tubes are assigned as they arrive; the scan verifies.
    Plan,
}

/// A place where pools are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bench {
    /// How it makes pools.
    pub mode: BenchMode,
    /// The assay its pools are for; none = `pool_max` applies.
    #[serde(default)]
    pub assay: Option<AssayId>,
}

/// In which order wells are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillOrder {
    /// A1, B1, C1: as liquid handlers do.
    #[default]
    Columns,
    /// A1, A2, A3.
    Rows,
}

/// Where controls stand on a plate, and in which order the rest is filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its size.
    #[serde(default)]
    pub size: PlateSize,
    /// Wells of the kit's positive control.
    pub positive: Vec<Well>,
    /// Wells of the kit's negative control.
    pub negative: Vec<Well>,
    /// Wells of extraction controls: they went through extraction with the specimens, and hold human material alone.
    #[serde(default)]
    pub extraction: Vec<Well>,
    /// For a plate of 384 wells that is stamped from up to four of 96, which bring their controls with them: which
    /// wells are a quadrant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quadrants: Option<QuadrantOrder>,
    /// Number of third-party weak positives, at positions drawn from the plate's seed.
    pub weak_positives: u8,
    /// Number of batch negatives, at positions drawn from the plate's seed.
    pub batch_negatives: u8,
    /// In which order the rest is filled.
    #[serde(default)]
    pub fill: FillOrder,
}

/// The layout's name if a plate names none.
pub const STANDARD_LAYOUT: &str = "standard";

/// Name of the layout that plates of 384 wells are stamped by.
pub const QUADRANTS_LAYOUT: &str = "quadrants";

impl Default for PoolingPolicy {
    fn default() -> Self {
        Self {
            linger_minutes: 20,
            linger_least_minutes: 2,
            open_pools_max: 6,
            tube_volume_ul: 3_000,
            pool_take_ul: 100,
            well_take_ul: 200,
            quadrant_take_ul: 10,
            pool_max: 10,
            risk: Risk::Low,
            risk_limits: RiskLimits {
                low: 10,
                medium: 5,
                high: 1,
            },
            site_risk: BTreeMap::new(),
            mixing: BTreeMap::new(),
            default_bench: Bench {
                mode: BenchMode::Scan,
                assay: None,
            },
            benches: BTreeMap::new(),
            layouts: BTreeMap::from([
                (STANDARD_LAYOUT.to_owned(), Layout::default()),
                (QUADRANTS_LAYOUT.to_owned(), Layout::stamped()),
            ]),
        }
    }
}

impl Layout {
    /// 384 wells, stamped from plates of 96: A1, A2, B1, B2.
    fn stamped() -> Self {
        Self {
            size: PlateSize::P384,
            positive: Vec::new(),
            negative: Vec::new(),
            extraction: Vec::new(),
            quadrants: Some(QuadrantOrder::RowWise),
            weak_positives: 0,
            batch_negatives: 0,
            fill: FillOrder::Columns,
        }
    }
}

impl Default for Layout {
    /// 96 wells; the kit's controls in H11 and H12, one weak positive and three negatives among the
    /// specimens: 90 are left for specimens.
    fn default() -> Self {
        let well = |text| Well::parse(PlateSize::P96, text).into_iter().collect();
        Self {
            size: PlateSize::P96,
            positive: well("H11"),
            negative: well("H12"),
            extraction: Vec::new(),
            quadrants: None,
            weak_positives: 1,
            batch_negatives: 3,
            fill: FillOrder::Columns,
        }
    }
}

impl Policy {
    /// Most members of a pool made at a bench, as the validation of its assay says.
    #[must_use]
    pub fn assay_limit(&self, bench: &Bench) -> u8 {
        bench
            .assay
            .as_ref()
            .and_then(|assay| self.assays.get(assay))
            .map_or(self.pooling.pool_max, |assay| assay.max_pool)
    }
}

impl PoolingPolicy {
    /// The rules of a bench.
    #[must_use]
    pub fn bench(&self, lab: &LabId, bench: &BenchId) -> &Bench {
        self.benches
            .get(&[lab.as_str(), "/", bench.as_str()].concat())
            .unwrap_or(&self.default_bench)
    }

    /// The benches of a lab that assign tubes as they arrive.
    pub fn plan_bench(&self, lab: &LabId) -> Option<BenchId> {
        self.benches.iter().find_map(|(name, bench)| {
            let (of, id) = name.split_once('/')?;
            (of == lab.as_str() && bench.mode == BenchMode::Plan).then(|| BenchId::from(id))
        })
    }

    /// Most members of a pool with a sample of this site.
    #[must_use]
    pub fn risk_limit(&self, site: &SiteId) -> u8 {
        match self.site_risk.get(site).copied().unwrap_or(self.risk) {
            Risk::Low => self.risk_limits.low,
            Risk::Medium => self.risk_limits.medium,
            Risk::High => self.risk_limits.high,
        }
    }

    /// How long an open pool waits for more members.
    #[must_use]
    pub fn linger(&self) -> Millis {
        Millis::from_mins(i64::from(self.linger_minutes))
    }

    /// How long an open pool waits in any case.
    #[must_use]
    pub fn linger_least(&self) -> Millis {
        Millis::from_mins(i64::from(self.linger_least_minutes))
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let rules = &policy.pooling;
    let limits = [
        ("pool_max".to_owned(), rules.pool_max),
        ("risk_limits.low".to_owned(), rules.risk_limits.low),
        ("risk_limits.medium".to_owned(), rules.risk_limits.medium),
        ("risk_limits.high".to_owned(), rules.risk_limits.high),
        ("open_pools_max".to_owned(), rules.open_pools_max),
    ];
    for (field, limit) in limits {
        if limit == 0 || limit > POOL_MEMBERS_MAX {
            problem(
                errors,
                format!("pooling.{field}"),
                format!("{limit} is not 1 to {POOL_MEMBERS_MAX}"),
            );
        }
    }
    if rules.linger_least_minutes > rules.linger_minutes || rules.linger_minutes > 1_440 {
        problem(
            errors,
            "pooling.linger_minutes",
            format!(
                "{} must be at least linger_least_minutes ({}) and at most 1440",
                rules.linger_minutes, rules.linger_least_minutes
            ),
        );
    }
    if rules.pool_take_ul == 0 || rules.pool_take_ul > rules.tube_volume_ul {
        problem(
            errors,
            "pooling.pool_take_ul",
            format!(
                "{} must be above 0 and at most tube_volume_ul ({})",
                rules.pool_take_ul, rules.tube_volume_ul
            ),
        );
    }
    for class in rules.mixing.keys() {
        if !policy.classes.contains_key(class) {
            problem(
                errors,
                format!("pooling.mixing.{class}"),
                "there is no such class in [classes]",
            );
        }
    }
    for (name, bench) in &rules.benches {
        let known = name
            .split_once('/')
            .is_some_and(|(lab, bench)| policy.labs.contains_key(lab) && !bench.is_empty());
        if !known {
            problem(
                errors,
                format!("pooling.benches.{name}"),
                "a bench is named \"lab/bench\", with a lab of [labs]",
            );
        }
        if let Some(assay) = &bench.assay
            && !policy.assays.contains_key(assay)
        {
            problem(
                errors,
                format!("pooling.benches.{name}.assay"),
                format!("assay {assay:?} is not in [assays]"),
            );
        }
    }
    if !rules.layouts.contains_key(STANDARD_LAYOUT) {
        problem(
            errors,
            "pooling.layouts",
            "there is no layout \"standard\": plates that name none use it",
        );
    }
    for (name, layout) in &rules.layouts {
        check_layout(name, layout, errors);
    }
}

fn check_layout(name: &str, layout: &Layout, errors: &mut Vec<PolicyError>) {
    let field = format!("pooling.layouts.{name}");
    let fixed: Vec<Well> = layout
        .positive
        .iter()
        .chain(&layout.negative)
        .chain(&layout.extraction)
        .copied()
        .collect();
    let mut distinct = fixed.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != fixed.len() {
        problem(errors, &*field, "two controls stand in one well");
    }
    for well in &fixed {
        if Well::at(layout.size, well.row(), well.column()).is_none() {
            problem(errors, &*field, format!("{well} is no well of this size"));
        }
    }
    if layout.quadrants.is_some() {
        let own = !fixed.is_empty() || layout.weak_positives > 0 || layout.batch_negatives > 0;
        if own || layout.size != PlateSize::P384 {
            problem(
                errors,
                &*field,
                "a layout with quadrants has size \"384\" and no controls of its own: they come with the plates of 96 wells",
            );
        }
    }
    let drawn = u16::from(layout.weak_positives) + u16::from(layout.batch_negatives);
    if fixed.len() + usize::from(drawn) >= usize::from(layout.size.wells()) {
        problem(errors, &*field, "the controls leave no well for specimens");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_layout_leaves_90_wells_for_specimens() {
        let layout = Layout::default();
        let controls = layout.positive.len()
            + layout.negative.len()
            + usize::from(layout.weak_positives + layout.batch_negatives);
        assert_eq!(usize::from(layout.size.wells()) - controls, 90);
    }

    #[test]
    fn a_layout_with_two_controls_in_one_well_is_refused() {
        let layout = Layout {
            negative: Layout::default().positive,
            ..Layout::default()
        };
        let mut errors = Vec::new();
        check_layout("twin", &layout, &mut errors);
        assert_eq!(errors.len(), 1, "{errors:?}");
    }

    #[test]
    fn a_layout_with_a_well_of_another_size_is_refused() {
        let layout = Layout {
            positive: Well::parse(PlateSize::P384, "P24").into_iter().collect(),
            ..Layout::default()
        };
        let mut errors = Vec::new();
        check_layout("wide", &layout, &mut errors);
        assert!(errors[0].message.contains("P24"), "{errors:?}");
    }

    #[test]
    fn an_empty_section_means_the_defaults() {
        assert_eq!(
            toml::from_str::<PoolingPolicy>("").unwrap(),
            PoolingPolicy::default()
        );
    }
}
