//! A lab's benches: racks come ([`reception`]), the robot pools them ([`robot`]), somebody scans the rest.

mod reception;
mod robot;

use crate::link::{Link, Services, reason};
use crate::plan::{Day, RACK, Story, Truth, Tube};
use crate::play::Progress;
use crate::site;
use anyhow::{Context as _, bail, ensure};
pub(crate) use robot::pool_of;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tenfold_proto::v1;

/// Longest wait for a registration to reach the lab.
pub(crate) const DETAILS_MAX: Duration = Duration::from_secs(90);

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
}
