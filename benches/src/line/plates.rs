//! A lab's plates: filled with what waits, sealed, put into the thermocycler, whose file is handed in.

use anyhow::{Context as _, ensure};
use std::time::{Duration, Instant};
use tenfold_lab_day::cycler::{self, Shown};
use tenfold_proto::v1;
use tonic::transport::Channel;
use v1::pooling_client::PoolingClient;
use v1::results_client::ResultsClient;

/// Wells that are filled; with fewer waiting, a lab waits for more as long as more will come.
const FULL: usize = 90;

/// Pause while too little waits, and while a run waits for its plate.
const PAUSE: Duration = Duration::from_millis(20);

/// Longest a lab waits for anything to do.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// Ct of the internal control in a negative well.
const INTERNAL: f64 = 27.5;

/// Who works there.
const ACTOR: &str = "tech";

/// Where plates are filled, one after another.
pub(super) struct Bench<'a> {
    pooling: PoolingClient<Channel>,
    results: ResultsClient<Channel>,
    lab: &'a str,
    run: usize,
}

impl<'a> Bench<'a> {
    pub(super) fn new(channel: Channel, lab: &'a str, run: usize) -> Self {
        Self {
            pooling: PoolingClient::new(channel.clone()),
            results: ResultsClient::new(channel),
            lab,
            run,
        }
    }

    /// Puts so many pools onto plates and has them read; `all_there` says that no more pools will come than wait.
    pub(super) async fn plate_all(
        mut self,
        pools: usize,
        all_there: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let (mut done, mut number, mut heard) = (0, 0, Instant::now());
        while done < pools {
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
            if waiting >= FULL || (last && waiting > 0) {
                done += self.plate(number).await?;
                number += 1;
                heard = Instant::now();
                continue;
            }
            ensure!(
                heard.elapsed() < IDLE_MAX,
                "{} waits with {done} of {pools} pools on plates, {waiting} waiting",
                self.lab
            );
            tokio::time::sleep(PAUSE).await;
        }
        ensure!(
            done == pools,
            "{done} pools of {} were plated, of {pools}",
            self.lab
        );
        Ok(())
    }

    /// One plate from its start to its result. Answers how many pools are on it.
    async fn plate(&mut self, number: usize) -> anyhow::Result<usize> {
        let (lab, actor) = (self.lab.to_owned(), ACTOR.to_owned());
        let plate =
            format!("PL{:03}{}{number:05}", self.run, self.lab.replace('-', "")).to_uppercase();
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

    /// The thermocycler sees nothing but internal controls. A run that comes before its plate is known is handed in again.
    async fn read(&mut self, view: &v1::PlateView) -> anyhow::Result<()> {
        let file = cycler::run(view, false, |_| Shown {
            target: None,
            internal: Some(INTERNAL),
        });
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
                v1::ImportState::Parked if began.elapsed() < IDLE_MAX => {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => anyhow::bail!("the run of {} is not released: {reply:?}", view.plate),
            }
        }
        Ok(())
    }
}
