//! What a well's call means for the tubes in it.
//!
//! | well | call | then |
//! |---|---|---|
//! | lab pool | negative | every member negative |
//! | lab pool | suspect | no member negative; alert; one residual retest a member |
//! | lab pool | invalid | plated again once; again invalid: every member is collected again |
//! | collection pool | suspect | alert; one re-collection a person; the tube's report says so |
//! | collection pool | invalid | its residual once more; again: every person is collected again |
//! | single tube | negative, positive | its result |
//! | single tube | inconclusive | once more; again: reported inconclusive |
//! | single tube | invalid | once more; again: collected again |
//!
//! A pool that was suspect once stays so, whatever a later analysis says: only its members' own tests
//! end it. A pool's Ct is never a person's.

mod closing;
mod pool;
mod single;

pub(crate) use closing::close_pools;
pub use closing::{finalize, lab_of, tell_closed, tell_filed};

use super::call::Call;
use super::draft::Draft;
use super::event::{Event, OrderEnd};
use super::state::{Order, OrderKind, Plate, PlateWell, Registered, Specimen, WorkKind, order_id};
use super::work::NewWork;
use crate::message::FinalResult;
use crate::tables::ReadExt;

/// A well and what it showed.
pub struct WellCalled<'a> {
    /// Key of the plate.
    pub plate_key: u64,
    /// The plate.
    pub plate: &'a Plate,
    /// The well.
    pub well: &'a PlateWell,
    /// The call.
    pub call: Call,
    /// The call of the analysis that counted before, if there was one.
    pub was: Option<Call>,
}

/// A member whose newest test is this well.
#[derive(Clone)]
struct Current {
    key: u64,
    specimen: Specimen,
    registered: Registered,
}

impl Current {
    /// Several persons are in it; a registration that says otherwise later does not take them out.
    fn is_collection(&self) -> bool {
        self.registered.sample.collection_pool || matches!(self.specimen.pool, Some((1, _)))
    }

    fn reported(&self) -> bool {
        self.specimen.is_final() && self.specimen.report().is_some()
    }
}

/// Draws the conclusions from one well.
pub fn conclude(draft: &mut Draft<'_>, called: &WellCalled<'_>) {
    let members = current(draft, called);
    if members.is_empty() {
        if called.was.is_some() {
            review(
                draft,
                called,
                "its tubes were tested again since: nothing follows from this",
            );
        }
        return;
    }
    match (&called.well.pool, members.as_slice()) {
        (Some(pool), _) => pool::conclude(draft, called, pool, &members),
        (None, [one]) if one.is_collection() => {
            pool::conclude_collection(draft, called, one);
        }
        (None, _) => {
            for one in &members {
                single::conclude(draft, called, one);
            }
        }
    }
}

fn current(draft: &Draft<'_>, called: &WellCalled<'_>) -> Vec<Current> {
    let state = draft.state();
    called
        .well
        .members
        .iter()
        .filter_map(|key| {
            let specimen: Specimen = state.get(key)?;
            let here = specimen.test().is_some_and(|test| {
                test.plate == called.plate_key && test.well == called.well.well
            });
            let registered = state.get(key)?;
            here.then_some(Current {
                key: *key,
                specimen,
                registered,
            })
        })
        .collect()
}

/// Ends the open tests of these tubes: a result came, or another analysis made them needless.
/// Re-collections stay.
fn end_tests(draft: &mut Draft<'_>, members: &[Current], reanalysis: bool) {
    let mut orders = Vec::new();
    for member in members {
        for key in &member.specimen.orders {
            let open = draft.state().get::<Order>(key).filter(Order::open);
            if open.is_some_and(|order| !matches!(order.kind, OrderKind::Recollection { .. })) {
                orders.push(order_id(draft.state(), *key));
            }
        }
    }
    if !orders.is_empty() {
        let end = if reanalysis {
            OrderEnd::Superseded
        } else {
            OrderEnd::Fulfilled
        };
        draft.emit(Event::OrdersEnded { orders, end });
    }
}

/// A negative needs a recorded transfer from the tube to the well (INV-05).
fn chain_unbroken(member: &Current) -> bool {
    member
        .specimen
        .test()
        .is_some_and(|test| test.transferred_at.0 > 0)
}

fn review(draft: &mut Draft<'_>, called: &WellCalled<'_>, why: &str) {
    let was = called.was.map_or("nothing", Call::name);
    let item = NewWork {
        kind: WorkKind::ReanalysisReview,
        about: called.plate.barcode.to_string(),
        detail: format!(
            "well {}: {was} before, {} now; {why}",
            called.well.well,
            called.call.name()
        ),
        delivery: None,
    };
    draft.open_work(&called.plate.lab, item);
}

/// Splits off those whose chain has a gap: they become work items, and get no negative.
fn release_negatives(draft: &mut Draft<'_>, called: &WellCalled<'_>, members: &[Current]) {
    let (whole, broken): (Vec<_>, Vec<_>) = members.iter().cloned().partition(chain_unbroken);
    for member in broken {
        let item = NewWork {
            kind: WorkKind::BrokenChain,
            about: member.registered.sample.barcode.to_string(),
            detail: format!(
                "plate {}, well {} is negative, but no transfer of this tube into it was recorded",
                called.plate.barcode, called.well.well
            ),
            delivery: None,
        };
        draft.open_work(&called.plate.lab, item);
    }
    let keys: Vec<u64> = whole.iter().map(|member| member.key).collect();
    finalize(draft, &keys, FinalResult::Negative);
}
