//! A plate is filled from the queues: STAT and retests first, then by deadline.

use super::super::draft::Draft;
use super::super::event::{Content, PlateRef, What};
use super::super::lab::{find, pool_id, tube_id};
use super::super::pool::Pool;
use super::super::queue::{self, Item, Place, Queue};
use super::super::tube::Tube;
use super::layout::fill_order;
use super::{Plate, open_plate};
use crate::policy::{FillOrder, Policy};
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::well::Well;

/// Most entries looked at beyond the free wells: those that do not fit this plate are passed over.
const LOOK_BEYOND: usize = 400;

/// What a filling came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// What shall go where.
    pub wells: Vec<(Well, Content)>,
    /// What was passed over, and why.
    pub passed: Vec<(Content, String)>,
    /// Wells that are still free.
    pub free: u16,
}

/// Plans the free wells of a plate, at most `most` of them.
///
/// # Errors
/// The plate is not there or not open.
pub fn fill(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    most: Option<u16>,
) -> Result<Filled, Rejection> {
    let (_, record) = open_plate(draft.state(), &plate.lab, &plate.barcode)?;
    let order = policy
        .pooling
        .layouts
        .get(&record.layout)
        .map_or(FillOrder::Columns, |layout| layout.fill);
    let mut free: Vec<Well> = fill_order(record.size, order)
        .into_iter()
        .filter(|well| record.is_free(*well))
        .collect();
    let all_free = free.len();
    free.truncate(most.map_or(all_free, usize::from));
    let mut answer = Filled::default();
    let mut wells = free.into_iter();
    for place in waiting(draft, plate, all_free) {
        let Some(content) = content(draft, place.item) else {
            continue;
        };
        if let Some(why) = misfit(draft, policy, plate, &record, place.item) {
            answer.passed.push((content, why));
            continue;
        }
        let Some(well) = wells.next() else {
            break;
        };
        answer.wells.push((well, content));
    }
    answer.free = u16::try_from(all_free.saturating_sub(answer.wells.len())).unwrap_or(u16::MAX);
    if !answer.wells.is_empty() {
        draft.emit(What::WellsPlanned {
            plate: plate.clone(),
            wells: answer.wells.clone(),
        })?;
    }
    Ok(answer)
}

/// What waits for a well, in the order it is served.
fn waiting(draft: &Draft<'_>, plate: &PlateRef, free: usize) -> Vec<Place> {
    let Some((lab, _)) = find(draft.state(), &plate.lab) else {
        return Vec::new();
    };
    let most = free.saturating_add(LOOK_BEYOND);
    let mut places: Vec<Place> = [Queue::Retest, Queue::Ready]
        .into_iter()
        .flat_map(|queue| queue::front(draft.state(), lab, queue, most))
        .map(|(place, _)| place)
        .collect();
    places.sort_by_key(|place| (place.rank, place.item));
    places
}

fn content(draft: &Draft<'_>, item: Item) -> Option<Content> {
    match item {
        Item::Pool(key) => Some(Content::Pool(pool_id(draft.state(), key))),
        Item::Tube(key) => Some(Content::Tube(tube_id(draft.state(), key))),
        Item::Expected(_) => None,
    }
}

/// Why something does not go on this plate.
pub(super) fn misfit(
    draft: &Draft<'_>,
    policy: &Policy,
    id: &PlateRef,
    plate: &Plate,
    item: Item,
) -> Option<String> {
    let take = policy.pooling.well_take_ul;
    match item {
        Item::Pool(key) => {
            let pool = draft.state().get::<Pool>(&key)?;
            let bench = policy.pooling.bench(&id.lab, &pool.bench);
            match &bench.assay {
                Some(assay) if *assay != plate.assay => Some(format!(
                    "it was made for assay {assay:?}, the plate is for {:?}",
                    plate.assay
                )),
                _ => None,
            }
        }
        Item::Tube(key) => {
            let tube = draft.state().get::<Tube>(&key)?;
            (tube.volume_ul < take)
                .then(|| format!("it has {} uL left, a well takes {take} uL", tube.volume_ul))
        }
        Item::Expected(_) => None,
    }
}
