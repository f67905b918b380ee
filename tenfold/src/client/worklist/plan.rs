//! From what pooling has planned to transfers from place to place: pure.

use crate::failure::{Failure, Outcome};
use std::collections::BTreeMap;
use tenfold_domain::well::{PlateSize, Well};
use tenfold_proto::v1::{Control, PlateView, PlateWellView, PoolView};
use tenfold_worklists::sheets::control_name;
use tenfold_worklists::{Grid, Labware, Place, Step};

/// The rack that controls are taken from, and their places in it.
const CONTROLS: &str = "CONTROLS";

/// Where a tube stands, if somebody said so.
pub struct Standing {
    /// Its label.
    pub barcode: String,
    /// Its rack.
    pub rack: Option<String>,
    /// Its place there.
    pub position: Option<String>,
}

/// The n-th place of the rack of pool tubes, from 1.
pub fn rack_of_pools(rack: &str, number: u16) -> Outcome<Place> {
    let size = Grid::Of96;
    let at = size.nth(number).ok_or_else(|| {
        Failure::Usage("a rack of pool tubes has 96 places: take fewer pools".to_owned())
    })?;
    Ok(Place {
        labware: Labware {
            name: rack.to_owned(),
            size,
        },
        at,
    })
}

/// Transfers into one pool tube: of its members that are planned and not recorded.
pub fn pool_steps(
    pool: &PoolView,
    stand: &BTreeMap<String, Standing>,
    to: &Place,
    ul: u32,
) -> Outcome<Vec<Step>> {
    if pool.state != "open" {
        return Err(Failure::Wrong(format!(
            "pool {} is {}: nothing is added any more",
            pool.pool, pool.state
        )));
    }
    let waiting = pool.members.iter().filter(|m| m.transferred_at.is_none());
    waiting
        .map(|member| {
            let standing = stand.get(&member.tube);
            Ok(Step {
                from: stands(&member.tube, standing)?,
                what: label(&member.tube, standing),
                to: to.clone(),
                into: pool.pool.clone(),
                ul,
            })
        })
        .collect()
}

/// Transfers into a plate: of its wells that are planned and not recorded. Pool tubes stand in a rack in the order of the
/// plan, and keep their places when some of them are done.
pub fn well_steps(
    plate: &PlateView,
    stand: &BTreeMap<String, Standing>,
    pool_rack: &str,
    controls: bool,
    ul: u32,
) -> Outcome<Vec<Step>> {
    if plate.state != "open" {
        return Err(Failure::Wrong(format!(
            "plate {} is {}: nothing is added any more",
            plate.plate, plate.state
        )));
    }
    let (size, grid) = match plate.size() {
        tenfold_proto::v1::PlateSize::PlateSize384 => (PlateSize::P384, Grid::Of384),
        _ => (PlateSize::P96, Grid::Of96),
    };
    let mut steps = Vec::new();
    // Down the columns, as liquid handlers go.
    let mut wells: Vec<(&PlateWellView, Well)> = Vec::new();
    for well in &plate.wells {
        let at = Well::parse(size, &well.well)
            .ok_or_else(|| Failure::Wrong(format!("{:?} is no well of this plate", well.well)))?;
        wells.push((well, at));
    }
    wells.sort_by_key(|(_, at)| at.column_major(size));
    let racks = PoolRacks::of(pool_rack, &wells)?;
    for (well, at) in wells {
        let (from, what) = match (&well.content, well.control) {
            (Some(_), _) if well.transferred_at.is_some() || well.lost.is_some() => continue,
            (Some(content), _) if is_pool(content) => (racks.place(content)?, content.clone()),
            (Some(content), _) => {
                let standing = stand.get(content);
                (stands(content, standing)?, label(content, standing))
            }
            (None, Some(_)) if controls => control(well.control())?,
            (None, _) => continue,
        };
        let labware = Labware {
            name: plate.plate.clone(),
            size: grid,
        };
        steps.push(Step {
            from,
            what,
            to: Place { labware, at },
            into: String::new(),
            ul,
        });
    }
    Ok(steps)
}

fn is_pool(content: &str) -> bool {
    let id = content.rsplit('/').next();
    id.is_some_and(|id| id.starts_with('P'))
}

/// Racks of pool tubes, filled in the order they were planned: `POOLS`, then `POOLS-2`...
///
/// Those that are done or lost keep their places: nobody moves tubes because a robot stopped in the middle.
struct PoolRacks<'a>(BTreeMap<&'a str, Place>);

impl<'a> PoolRacks<'a> {
    fn of(name: &str, wells: &[(&'a PlateWellView, Well)]) -> Outcome<Self> {
        let mut pools: Vec<(Option<i64>, &str)> = wells
            .iter()
            .filter_map(|(well, _)| Some((well.planned_at, well.content.as_deref()?)))
            .filter(|(_, content)| is_pool(content))
            .collect();
        pools.sort_by_key(|(planned_at, _)| *planned_at);
        let mut places = BTreeMap::new();
        for (_, pool) in pools {
            if !places.contains_key(pool) {
                places.insert(pool, Self::nth(name, places.len())?);
            }
        }
        Ok(Self(places))
    }

    /// The place of a pool, counted from 0.
    fn nth(name: &str, at: usize) -> Outcome<Place> {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        let per_rack = Grid::Of96.places();
        let (rack, number) = (at / per_rack, at % per_rack + 1);
        match rack {
            0 => rack_of_pools(name, number),
            more => rack_of_pools(&format!("{name}-{}", more + 1), number),
        }
    }

    fn place(&self, pool: &str) -> Outcome<Place> {
        let place = self.0.get(pool).cloned();
        place.ok_or_else(|| Failure::Wrong(format!("pool {pool} has no place in a rack")))
    }
}

fn control(control: Control) -> Outcome<(Place, String)> {
    let control = tenfold_domain::message::Control::try_from(control)
        .map_err(|_| Failure::Wrong("a control of a kind this release does not know".to_owned()))?;
    let number = match control {
        tenfold_domain::message::Control::Positive => 1,
        tenfold_domain::message::Control::Negative => 2,
        tenfold_domain::message::Control::WeakPositive => 3,
        tenfold_domain::message::Control::BatchNegative => 4,
        tenfold_domain::message::Control::Extraction => 5,
    };
    let size = Grid::Rack24;
    let at = size
        .nth(number)
        .ok_or_else(|| Failure::Wrong("a rack of controls has 24 places".to_owned()))?;
    let labware = Labware {
        name: CONTROLS.to_owned(),
        size,
    };
    Ok((Place { labware, at }, control_name(control).to_owned()))
}

fn label(tube: &str, standing: Option<&Standing>) -> String {
    standing.map_or_else(|| tube.to_owned(), |standing| standing.barcode.clone())
}

fn stands(tube: &str, standing: Option<&Standing>) -> Outcome<Place> {
    let place = standing.and_then(|standing| {
        let at = Well::parse(PlateSize::P96, standing.position.as_ref()?)?;
        let labware = Labware {
            name: standing.rack.clone()?,
            size: Grid::Of96,
        };
        Some(Place { labware, at })
    });
    place.ok_or_else(|| {
        Failure::Wrong(format!(
            "tube {} stands in no rack that anybody scanned: a robot cannot find it; receive its rack first",
            label(tube, standing)
        ))
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
