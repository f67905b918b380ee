//! A lab's benches: racks come, the robot pools them, somebody scans the rest.

use crate::link::{Link, Services, reason};
use crate::plan::{Day, RACK, Story, Truth, Tube};
use crate::play::Progress;
use crate::site;
use anyhow::{Context as _, bail, ensure};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use v1::tube_placement::Placement;

/// Longest wait for a registration to reach the lab.
pub(crate) const DETAILS_MAX: Duration = Duration::from_secs(90);

/// The bench of the robot.
const ROBOT: &str = "robot";

/// What the hands of a lab's people did: which liquid is where. Nobody else may say so.
#[derive(Debug, Default)]
pub struct Hands {
    /// Barcode of each tube, by the tube's id.
    pub tubes: HashMap<String, String>,
    /// Barcodes whose liquid is in each pool.
    pub pools: HashMap<String, Vec<String>>,
    /// What is in each tube.
    pub truth: HashMap<String, Truth>,
    /// Inhibited tubes that were extracted once.
    pub extracted: HashSet<String>,
    /// Tubes that were cancelled too late: they were reported already.
    pub too_late: HashSet<String>,
}

/// A lab at work.
pub struct Lab<'a> {
    /// Its id.
    pub lab: &'a str,
    /// The day.
    pub day: &'a Day,
    /// Whom it calls.
    pub services: &'a Services,
    /// What its people did.
    pub hands: &'a Mutex<Hands>,
    /// What the whole day came to.
    pub progress: &'a Progress,
}

/// Asks pooling for something to be done, with clones of a request until it is answered.
macro_rules! pooling {
    ($services:expr, $method:ident, $request:expr) => {{
        let request = $request;
        let link: &Link = &$services.pooling;
        let asked = $crate::ledger::Asked {
            command: stringify!($method),
            actor: request.actor.clone(),
            request_id: request.request_id.clone(),
        };
        link.command(&asked, |channel| {
            let request = request.clone();
            async move {
                v1::pooling_client::PoolingClient::new(channel)
                    .$method(request)
                    .await
            }
        })
        .await
    }};
}
pub(crate) use pooling;

/// Asks pooling a question, with clones of a request until it is answered.
macro_rules! asking {
    ($services:expr, $method:ident, $request:expr) => {{
        let request = $request;
        let link: &Link = &$services.pooling;
        link.call(|channel| {
            let request = request.clone();
            async move {
                v1::pooling_client::PoolingClient::new(channel)
                    .$method(request)
                    .await
            }
        })
        .await
    }};
}
pub(crate) use asking;

impl<'a> Lab<'a> {
    /// Racks from the first to the last, then what was left over.
    ///
    /// # Errors
    /// Something is refused that must not be.
    pub async fn work(&self) -> anyhow::Result<()> {
        let racked: Vec<&Tube> = self
            .day
            .of_lab(self.lab)
            .filter(|tube| !matches!(tube.story, Story::Scanned | Story::CancelledBefore))
            .collect();
        let scanned: Vec<&Tube> = self
            .day
            .of_lab(self.lab)
            .filter(|tube| tube.story == Story::Scanned)
            .collect();
        let racks = racked.len().div_ceil(RACK).max(1);
        let a_round = scanned.len().div_ceil(racks).max(1);
        let mut singles = scanned.chunks(a_round);
        for (number, tubes) in racked.chunks(RACK).enumerate() {
            let rack = format!("{}R{}{number:04}", self.day.name, self.lab);
            let mut by_hand = self.rack(&rack, tubes, number == 1).await?;
            if let Some(part) = singles.next() {
                self.receive_singly(part).await?;
                by_hand.extend(part.iter().copied());
            }
            self.scan_all(&by_hand, &rack).await?;
            tokio::time::sleep(self.day.pace).await;
        }
        self.close_pools().await
    }

    /// A rack from its arrival to the robot's log. Answers tubes that must be scanned by hand.
    async fn rack(
        &self,
        rack: &str,
        tubes: &[&'a Tube],
        spill: bool,
    ) -> anyhow::Result<Vec<&'a Tube>> {
        self.receive_rack(rack, tubes).await?;
        for tube in tubes
            .iter()
            .filter(|tube| tube.story == Story::RegisteredLate)
        {
            site::one(
                self.services,
                &tube.registration,
                &format!("late-{}", tube.barcode()),
            )
            .await
            .with_context(|| format!("{} registered late", tube.barcode()))?;
        }
        let planned = self.plan(rack).await?;
        let clogged: Vec<&'a Tube> = tubes
            .iter()
            .copied()
            .filter(|tube| tube.story == Story::Clogged)
            .filter(|tube| planned.get(tube.barcode()).is_some_and(Option::is_some))
            .collect();
        let confirmed = self.confirm(rack, &planned, &clogged).await?;
        self.progress
            .received
            .fetch_add(tubes.len() as u64, Ordering::Relaxed);
        for tube in tubes {
            if tube.story == Story::CancelledAfter
                && !site::cancel(self.services, tube).await?
                && let Ok(mut hands) = self.hands.lock()
            {
                hands.too_late.insert(tube.barcode().to_owned());
            }
        }
        let mut by_hand = clogged;
        if spill && let Some(sealed) = confirmed.sealed.first() {
            by_hand.extend(self.spill(&sealed.pool, tubes).await?);
        }
        Ok(by_hand)
    }

    async fn receive_rack(&self, rack: &str, tubes: &[&Tube]) -> anyhow::Result<()> {
        let positions = tubes.iter().enumerate().map(|(at, tube)| v1::RackPosition {
            position: position(at),
            found: Some(if tube.story == Story::Unreadable {
                v1::rack_position::Found::Unreadable(true)
            } else {
                v1::rack_position::Found::Barcode(tube.barcode().to_owned())
            }),
        });
        let arrival = v1::receive_request::Arrival::Rack(v1::RackContains {
            rack: rack.to_owned(),
            positions: positions.collect(),
        });
        let received = self.receive(rack, arrival).await?;
        for (at, tube) in tubes.iter().enumerate() {
            let place = position(at);
            let answer = received
                .iter()
                .find(|answer| answer.position.as_deref() == Some(place.as_str()))
                .with_context(|| format!("no verdict for {place} of rack {rack}"))?;
            let id = answer.tube.clone().with_context(|| {
                format!("no tube was made for {place} of rack {rack}: {answer:?}")
            })?;
            let unreadable = answer.verdict() == v1::ReceiveVerdict::Unreadable;
            ensure!(
                unreadable == (tube.story == Story::Unreadable),
                "{} in {place} of rack {rack}: {answer:?}",
                tube.barcode()
            );
            if unreadable {
                self.relabel(&id, tube).await?;
            }
            self.has(id, tube);
        }
        Ok(())
    }

    /// Receives; again with another request id as long as the lab's lane has no policy yet.
    async fn receive(
        &self,
        what: &str,
        arrival: v1::receive_request::Arrival,
    ) -> anyhow::Result<Vec<v1::ReceivedTube>> {
        let began = Instant::now();
        for again in 0_u32.. {
            let request = v1::ReceiveRequest {
                lab: self.lab.to_owned(),
                actor: "reception".to_owned(),
                request_id: format!("receive-{what}-{again}"),
                arrival: Some(arrival.clone()),
            };
            match pooling!(self.services, receive, request) {
                Ok(response) => return Ok(response.tubes),
                Err(status) if reason(&status) == "NO_POLICY" && began.elapsed() < DETAILS_MAX => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(status) => bail!("receiving {what}: {status}"),
            }
        }
        Ok(Vec::new())
    }

    pub(crate) async fn receive_singly(&self, tubes: &[&Tube]) -> anyhow::Result<()> {
        for tube in tubes {
            let arrived = v1::TubesArrived {
                barcodes: vec![tube.barcode().to_owned()],
                another: false,
            };
            let arrival = v1::receive_request::Arrival::Tubes(arrived);
            let received = self.receive(tube.barcode(), arrival).await?;
            let id = received
                .first()
                .and_then(|answer| answer.tube.clone())
                .with_context(|| format!("{} made no tube: {received:?}", tube.barcode()))?;
            self.has(id, tube);
            self.progress.received.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn relabel(&self, id: &str, tube: &Tube) -> anyhow::Result<()> {
        let request = v1::RelabelRequest {
            lab: self.lab.to_owned(),
            actor: "reception".to_owned(),
            request_id: format!("relabel-{}", tube.barcode()),
            tube: id.to_owned(),
            new_barcode: tube.barcode().to_owned(),
            reason: "the label could not be read".to_owned(),
        };
        pooling!(self.services, relabel, request)
            .with_context(|| format!("{} relabelled", tube.barcode()))?;
        Ok(())
    }

    fn has(&self, id: String, tube: &Tube) {
        if let Ok(mut hands) = self.hands.lock() {
            hands.truth.insert(tube.barcode().to_owned(), tube.truth);
            hands.tubes.insert(id, tube.barcode().to_owned());
        }
    }

    fn barcode_of(&self, id: &str) -> anyhow::Result<String> {
        let hands = self
            .hands
            .lock()
            .map_err(|_| anyhow::anyhow!("a task panicked"))?;
        hands
            .tubes
            .get(id)
            .cloned()
            .with_context(|| format!("{id} is no tube of {}", self.lab))
    }

    /// Plans a rack until nothing in it waits for its registration: barcode -> pool, `None` = alone.
    async fn plan(&self, rack: &str) -> anyhow::Result<BTreeMap<String, Option<String>>> {
        let began = Instant::now();
        for again in 0_u32.. {
            let request = v1::PlanRackRequest {
                lab: self.lab.to_owned(),
                actor: "robot".to_owned(),
                request_id: format!("plan-{rack}-{again}"),
                bench: ROBOT.to_owned(),
                rack: rack.to_owned(),
            };
            let plan = pooling!(self.services, plan_rack, request)
                .with_context(|| format!("rack {rack} planned"))?;
            let mut planned = BTreeMap::new();
            let mut refused = Vec::new();
            for tube in plan.tubes {
                let barcode = self.barcode_of(&tube.tube)?;
                match tube.planned {
                    Some(v1::planned_tube::Planned::Placement(placement)) => {
                        planned.insert(barcode, pool_of(placement.placement));
                    }
                    other => refused.push(format!("{barcode}: {other:?}")),
                }
            }
            if refused.is_empty() {
                return Ok(planned);
            }
            if began.elapsed() > DETAILS_MAX {
                bail!(
                    "tubes of rack {rack} cannot be pooled: {}",
                    refused.join("; ")
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(BTreeMap::new())
    }

    async fn confirm(
        &self,
        rack: &str,
        planned: &BTreeMap<String, Option<String>>,
        clogged: &[&Tube],
    ) -> anyhow::Result<v1::ConfirmRackResponse> {
        let failed = |barcode: &str| clogged.iter().any(|tube| tube.barcode() == barcode);
        let in_pool = |tube: &&&Tube| planned.get(tube.barcode()).is_some_and(Option::is_some);
        let tubes = clogged
            .iter()
            .filter(in_pool)
            .map(|tube| v1::TubePerformed {
                tube: tube.barcode().to_owned(),
                failed: Some("clogged tip".to_owned()),
            });
        let request = v1::ConfirmRackRequest {
            lab: self.lab.to_owned(),
            actor: "robot".to_owned(),
            request_id: format!("confirm-{rack}"),
            bench: ROBOT.to_owned(),
            rack: rack.to_owned(),
            tubes: tubes.collect(),
            rest_done: true,
        };
        if planned.values().all(Option::is_none) {
            // Everything in it goes into wells of its own: the robot has nothing to do.
            return Ok(v1::ConfirmRackResponse::default());
        }
        if let Ok(mut hands) = self.hands.lock() {
            for (barcode, pool) in planned {
                if let Some(pool) = pool.as_ref().filter(|_| !failed(barcode)) {
                    hands
                        .pools
                        .entry(pool.clone())
                        .or_default()
                        .push(barcode.clone());
                }
            }
        }
        pooling!(self.services, confirm_rack, request)
            .with_context(|| format!("rack {rack} confirmed"))
    }

    /// A pool is spilled: its tubes are scanned again.
    async fn spill(&self, pool: &str, tubes: &[&'a Tube]) -> anyhow::Result<Vec<&'a Tube>> {
        let request = v1::VoidPoolRequest {
            lab: self.lab.to_owned(),
            actor: "tech-1".to_owned(),
            request_id: format!("spill-{pool}"),
            pool: pool.to_owned(),
            reason: "spilled".to_owned(),
        };
        let voided = match pooling!(self.services, void_pool, request) {
            Ok(voided) => voided,
            // It went onto a plate in the meantime.
            Err(status) if reason(&status) == "POOL_PLATED" => return Ok(Vec::new()),
            Err(status) => bail!("pool {pool} spilled: {status}"),
        };
        let mut back = Vec::new();
        for id in voided.tubes {
            let barcode = self.barcode_of(&id)?;
            back.extend(tubes.iter().copied().find(|tube| tube.barcode() == barcode));
        }
        ensure!(!back.is_empty(), "nobody was in pool {pool}");
        Ok(back)
    }
}

/// The pool of a placement; `None` = a well of its own.
pub(crate) fn pool_of(placement: Option<Placement>) -> Option<String> {
    match placement {
        Some(Placement::Pool(seat)) => Some(seat.pool),
        _ => None,
    }
}

/// The n-th position of a rack, by columns.
fn position(at: usize) -> String {
    let row = b"ABCDEFGH"[at % 8];
    format!("{}{}", char::from(row), at / 8 + 1)
}
