//! Questions, answered from the state.

use crate::commands::pool_of;
use crate::view;
use prost::Message as _;
use tenfold_domain::ids::PoolId;
use tenfold_domain::pooling::board::{self, Stage};
use tenfold_domain::pooling::event::Mark;
use tenfold_domain::pooling::invariants;
use tenfold_domain::pooling::lab::{find, key_of, pool_id, tube_id};
use tenfold_domain::pooling::plate::Plate;
use tenfold_domain::pooling::pool::close::find_pool;
use tenfold_domain::pooling::pool::{BenchRecord, Pool, RackPools, bench_of};
use tenfold_domain::pooling::queue::{self, Entry, Item, Place, Queue};
use tenfold_domain::pooling::tube::lookup::{expected_in, the_tube};
use tenfold_domain::pooling::tube::{Expected, Tube};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_domain::{LabId, Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_runtime::processor::Answer;
use v1::pooling_query::Query;

/// Entries of a work list if the caller does not say, and the most it may ask for.
const WORK_DEFAULT: usize = 100;
const WORK_MAX: usize = 1_000;

/// Plates of a page if the caller does not say, and the most it may ask for.
const PLATES_DEFAULT: usize = 50;
const PLATES_MAX: usize = 500;

/// Most plates looked at for one page.
const PLATES_LOOKED_AT: u64 = 5_000;

/// Answers a question: the response message of the call of the same name.
///
/// # Errors
/// What is asked for is not there.
pub fn answer(state: &dyn Read, query: Query, _now: Timestamp) -> Answer {
    Ok(match query {
        Query::Tube(q) => tube(state, &q.lab.into(), &q.tube)?.encode_to_vec(),
        Query::OpenPools(q) => open_pools(state, &q).encode_to_vec(),
        Query::Pool(q) => {
            let (key, pool) = the_pool(state, &q)?;
            view::pool(state, key, &pool).encode_to_vec()
        }
        Query::ExplainPool(q) => {
            let (key, pool) = the_pool(state, &q)?;
            view::explain(state, key, &pool).encode_to_vec()
        }
        Query::Plate(q) => view::plate(state, &q.lab.into(), &q.plate.into())?.encode_to_vec(),
        Query::Plates(q) => plates(state, &q)?.encode_to_vec(),
        Query::Work(q) => work(state, &q)?.encode_to_vec(),
        Query::Board(q) => board(state, &q.lab).encode_to_vec(),
        Query::Invariants(_) => violations(state).encode_to_vec(),
    }
    .into())
}

fn tube(state: &dyn Read, lab: &LabId, text: &str) -> Result<v1::TubeView, Rejection> {
    match the_tube(state, lab, text) {
        Ok((key, tube)) => Ok(view::tube(state, key, &tube)),
        Err(rejection) => match expected_in(state, lab, &text.into()) {
            Some((_, expected)) => Ok(view::expected(&expected)),
            None => Err(rejection),
        },
    }
}

fn the_pool(state: &dyn Read, q: &v1::GetPoolRequest) -> Result<(u64, Pool), Rejection> {
    let id: PoolId = pool_of(&q.lab.as_str().into(), &q.pool)?;
    find_pool(state, &id)
}

fn open_pools(state: &dyn Read, q: &v1::ListOpenPoolsRequest) -> v1::ListOpenPoolsResponse {
    let is_meant = |name: &str| match q.bench.as_str() {
        "" => name
            .strip_prefix(q.lab.as_str())
            .is_some_and(|rest| rest.starts_with('/')),
        bench => *name == format!("{}/{bench}", q.lab),
    };
    let benches = state.all::<BenchRecord>().into_iter();
    let racks = state.all::<RackPools>().into_iter();
    let mut keys: Vec<u64> = benches
        .filter(|(name, _)| is_meant(name))
        .map(|(_, bench)| bench.open)
        .chain(
            racks
                .filter(|(name, _)| is_meant(bench_of(name)))
                .map(|(_, rack)| rack.open),
        )
        .flatten()
        .collect();
    keys.sort_unstable();
    v1::ListOpenPoolsResponse {
        pools: keys
            .into_iter()
            .filter_map(|key| Some(view::pool(state, key, &state.get::<Pool>(&key)?)))
            .collect(),
    }
}

/// Newest first; a page token is the number of the plate the next page starts below.
fn plates(
    state: &dyn Read,
    q: &v1::ListPlatesRequest,
) -> Result<v1::ListPlatesResponse, Rejection> {
    let most = bounded(q.page_size, PLATES_DEFAULT, PLATES_MAX);
    let mut answer = v1::ListPlatesResponse::default();
    let Some((lab, record)) = find(state, &q.lab.as_str().into()) else {
        return Ok(answer);
    };
    let top = match q.page_token.as_str() {
        "" => record.plates,
        token => token.parse::<u64>().map_err(|_| {
            Rejection::invalid(
                "PAGE_TOKEN",
                "page_token",
                format!("{token:?} is no page token"),
                "send the token of the page before, as it is",
            )
        })?,
    };
    let bottom = top.saturating_sub(PLATES_LOOKED_AT);
    for number in (bottom.saturating_add(1)..=top).rev() {
        if answer.plates.len() >= most {
            answer.next_page_token = number.to_string();
            return Ok(answer);
        }
        if let Some(plate) = state.get::<Plate>(&key_of(lab, number))
            && (q.state.is_empty() || plate.state.word() == q.state)
        {
            answer.plates.push(view::summary(&plate));
        }
    }
    if bottom > 0 {
        answer.next_page_token = bottom.to_string();
    }
    Ok(answer)
}

fn bounded(asked: u32, default: usize, most: usize) -> usize {
    match usize::try_from(asked) {
        Ok(0) => default,
        Ok(asked) => asked.min(most),
        Err(_) => most,
    }
}

const fn queue_word(queue: Queue) -> &'static str {
    match queue {
        Queue::Expected => "expected",
        Queue::Pending => "pending",
        Queue::Waiting => "waiting",
        Queue::Held => "held",
        Queue::Open => "open",
        Queue::Ready => "ready",
        Queue::Retest => "retest",
        Queue::Plated => "plated",
        Queue::Loaded => "loaded",
    }
}

fn work(state: &dyn Read, q: &v1::ListWorkRequest) -> Result<v1::ListWorkResponse, Rejection> {
    let most = bounded(q.most, WORK_DEFAULT, WORK_MAX);
    let queues: Vec<Queue> = if q.queue.is_empty() {
        vec![Queue::Retest, Queue::Ready]
    } else {
        Queue::ALL
            .into_iter()
            .filter(|queue| queue_word(*queue) == q.queue)
            .collect()
    };
    if queues.is_empty() {
        return Err(Rejection::invalid(
            "QUEUE_UNKNOWN",
            "queue",
            format!("there is no queue {:?}", q.queue),
            format!("queues are {}", Queue::ALL.map(queue_word).join(", ")),
        ));
    }
    let Some((lab, _)) = find(state, &q.lab.as_str().into()) else {
        return Ok(v1::ListWorkResponse::default());
    };
    let mut entries: Vec<(Place, Entry)> = queues
        .into_iter()
        .flat_map(|queue| queue::front(state, lab, queue, most))
        .collect();
    entries.sort_by_key(|(place, _)| (place.rank, place.item));
    entries.truncate(most);
    Ok(v1::ListWorkResponse {
        items: entries
            .into_iter()
            .filter_map(|(place, entry)| item(state, place, entry))
            .collect(),
    })
}

fn item(state: &dyn Read, place: Place, entry: Entry) -> Option<v1::WorkItem> {
    let mut work = v1::WorkItem {
        queue: queue_word(place.queue).to_owned(),
        due: entry.due.0,
        mark: v1::TubeMark::from(Mark::InTime).into(),
        tubes: 1,
        ..v1::WorkItem::default()
    };
    match place.item {
        Item::Expected(key) => {
            let expected = state.get::<Expected>(&key)?;
            work.what = expected.sample.barcode.to_string();
            work.stat = expected.clock.stat;
        }
        Item::Tube(key) => {
            let tube = state.get::<Tube>(&key)?;
            work.what = tube_id(state, key).to_string();
            work.barcode = tube.barcodes.last().map(ToString::to_string);
            work.stat = tube.stat;
            work.mark = v1::TubeMark::from(tube.mark).into();
            work.rack = tube.place.as_ref().map(|p| p.rack.to_string());
            work.position = tube.place.as_ref().map(|p| p.position.to_string());
            work.order = tube.order.as_ref().map(ToString::to_string);
            work.round = tube.round;
            work.why = tube
                .holds
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
        }
        Item::Pool(key) => {
            let pool = state.get::<Pool>(&key)?;
            let mark = match pool.live {
                tally if tally.late > 0 => Mark::Late,
                tally if tally.at_risk > 0 => Mark::AtRisk,
                _ => Mark::InTime,
            };
            work.what = pool_id(state, key).to_string();
            work.stat = pool.mix.stat;
            work.mark = v1::TubeMark::from(mark).into();
            work.tubes = u32::try_from(pool.members.len()).unwrap_or(u32::MAX);
            work.why = pool.hold.unwrap_or_default();
        }
    }
    Some(work)
}

fn board(state: &dyn Read, lab: &str) -> v1::PoolingBoard {
    let Some((number, _)) = find(state, &lab.into()) else {
        return v1::PoolingBoard {
            lab: lab.to_owned(),
            ..v1::PoolingBoard::default()
        };
    };
    let board = board::of(state, number);
    let stages = Stage::ALL
        .into_iter()
        .map(|stage| {
            let tally = board.tally(stage);
            let durations = board.durations(stage);
            v1::PoolingStageView {
                stage: v1::PoolingStage::from(stage).into(),
                count: tally.count,
                at_risk: tally.at_risk,
                late: tally.late,
                oldest_due: oldest_due(state, number, stage).map(|at| at.0),
                p50_ms: durations.percentile(50).map(|length| length.0),
                p95_ms: durations.percentile(95).map(|length| length.0),
            }
        })
        .collect();
    v1::PoolingBoard {
        lab: lab.to_owned(),
        stages,
        bottleneck: board
            .bottleneck()
            .map(|stage| v1::PoolingStage::from(stage).into()),
        filed: board.filed,
    }
}

fn oldest_due(state: &dyn Read, lab: u64, stage: Stage) -> Option<Timestamp> {
    let queues: &[Queue] = match stage {
        Stage::Expected => &[Queue::Expected],
        Stage::Pending => &[Queue::Pending],
        Stage::Waiting => &[Queue::Waiting],
        Stage::Held => &[Queue::Held],
        Stage::Pooled => &[Queue::Open, Queue::Ready],
        Stage::Plated => &[Queue::Plated],
        Stage::Loaded => &[Queue::Loaded],
        Stage::AwaitingRetest => &[Queue::Retest],
        Stage::Closed | Stage::Withdrawn | Stage::Discarded => &[],
    };
    queues
        .iter()
        .filter_map(|queue| queue::oldest_due(state, lab, *queue))
        .min()
}

fn violations(state: &dyn Read) -> v1::PoolingInvariants {
    v1::PoolingInvariants {
        violations: invariants::check(state)
            .into_iter()
            .map(|violation| v1::PoolingViolation {
                invariant: violation.invariant.to_owned(),
                what: violation.what,
            })
            .collect(),
    }
}
