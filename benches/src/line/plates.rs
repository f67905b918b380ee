//! A lab's plates: filled with what waits, sealed, put into the thermocycler, whose file is handed in.

use super::run::Task;
use anyhow::{Context as _, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tenfold_lab_day::bench::Hands;
use tenfold_lab_day::cycler;
use tenfold_proto::v1;
use tonic::transport::Channel;
use v1::pooling_client::PoolingClient;
use v1::results_client::ResultsClient;

/// Pause while too little waits, and while a run waits for its plate.
const PAUSE: Duration = Duration::from_millis(20);

/// Longest a run waits for its plate.
const PARKED_MAX: Duration = Duration::from_secs(120);

/// Who works there.
const ACTOR: &str = "tech";

/// Where plates are filled, one after another.
pub(super) struct Bench<'a> {
    pooling: PoolingClient<Channel>,
    results: ResultsClient<Channel>,
    lab: &'a str,
    task: &'a Task,
    hands: &'a Mutex<Hands>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        channel: Channel,
        lab: &'a str,
        task: &'a Task,
        hands: &'a Mutex<Hands>,
    ) -> Self {
        Self {
            pooling: PoolingClient::new(channel.clone()),
            results: ResultsClient::new(channel),
            lab,
            task,
            hands,
        }
    }

    /// Puts whatever waits onto plates and has them read, until it is over; `all_there` says that no rack comes any more: then a
    /// plate is not waited for until it is full. Answers how many wells were read.
    pub(super) async fn plate_all(
        mut self,
        all_there: impl Fn() -> bool,
        over: &AtomicBool,
    ) -> anyhow::Result<usize> {
        let (mut done, mut number) = (0, 0);
        while !over.load(Ordering::Relaxed) {
            // Asked first: what came between the two questions is there at the second.
            let last = all_there();
            let request = v1::ListWorkRequest {
                lab: self.lab.to_owned(),
                queue: String::new(),
                most: 200,
            };
            let waiting = self
                .pooling
                .list_work(request)
                .await?
                .into_inner()
                .items
                .len();
            if waiting >= self.task.wells || (last && waiting > 0) {
                done += self.plate(number).await?;
                number += 1;
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(done)
    }

    /// One plate from its start to its result. Answers how many wells are on it.
    async fn plate(&mut self, number: usize) -> anyhow::Result<usize> {
        let (lab, actor) = (self.lab.to_owned(), ACTOR.to_owned());
        let (run, short) = (self.task.number, self.lab.replace('-', ""));
        let plate = format!("PL{run:03}{short}{number:05}").to_uppercase();
        let id = |step: &str| format!("{step}-{plate}");
        let started = v1::StartPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("start"),
            plate: plate.clone(),
            assay: "default-cn".to_owned(),
            ..Default::default()
        };
        self.pooling
            .start_plate(started)
            .await
            .with_context(|| id("start"))?;
        let fill = v1::FillPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("fill"),
            plate: plate.clone(),
            wells_max: None,
        };
        let filled = self
            .pooling
            .fill_plate(fill)
            .await
            .with_context(|| id("fill"))?
            .into_inner();
        ensure!(
            !filled.wells.is_empty(),
            "{plate} stays empty: {:?}",
            filled.passed_over
        );
        let confirm = v1::ConfirmPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("confirm"),
            plate: plate.clone(),
            rest_done: true,
            ..Default::default()
        };
        self.pooling
            .confirm_plate(confirm)
            .await
            .with_context(|| id("confirm"))?;
        let seal = v1::SealPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("seal"),
            plate: plate.clone(),
        };
        self.pooling
            .seal_plate(seal)
            .await
            .with_context(|| id("seal"))?;
        let load = v1::LoadPlateRequest {
            lab: lab.clone(),
            actor,
            request_id: id("load"),
            plate: plate.clone(),
            instrument: "cycler-1".to_owned(),
        };
        self.pooling
            .load_plate(load)
            .await
            .with_context(|| id("load"))?;
        let get = v1::GetPlateRequest {
            lab,
            plate: plate.clone(),
        };
        let view = self
            .pooling
            .get_plate(get)
            .await
            .with_context(|| id("get"))?
            .into_inner();
        self.read(&view).await?;
        Ok(filled.wells.len())
    }

    /// The thermocycler sees what is there. A run that comes before its plate is known is handed in again.
    async fn read(&mut self, view: &v1::PlateView) -> anyhow::Result<()> {
        let file = {
            let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
            cycler::run(view, false, |content| hands.show(content))
        };
        let file = bytes::Bytes::from(file);
        let began = Instant::now();
        for again in 0_u32.. {
            let request = v1::ImportRunRequest {
                lab: self.lab.to_owned(),
                plate: view.plate.clone(),
                instrument_serial: "SN-7".to_owned(),
                run_id: format!("run-{}", view.plate),
                read_at: crate::tubes::now_ms(),
                file_name: format!("{}.csv", view.plate),
                file: file.clone(),
                reason: String::new(),
                actor: "cycler-1".to_owned(),
                request_id: format!("import-{}-{again}", view.plate),
            };
            let reply = self.results.import_run(request).await?.into_inner();
            match reply.state() {
                v1::ImportState::Released => return Ok(()),
                v1::ImportState::Parked if began.elapsed() < PARKED_MAX => {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => anyhow::bail!("the run of {} is not released: {reply:?}", view.plate),
            }
        }
        Ok(())
    }
}
