//! A lab's plates: filled from what waits, sealed, put into the thermocycler, read.

use crate::bench::{Hands, Lab, asking, pooling};
use crate::cycler::{self, Shown};
use crate::ledger::Asked;
use crate::link::{Link, reason};
use crate::plan::{Truth, now_ms};
use anyhow::{Context as _, bail, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use v1::results_client::ResultsClient;

/// Wells with specimens of a plate: with fewer waiting, the lab waits for more.
const FULL: usize = 90;

/// How long a lab waits for a plate to fill up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pause while too little waits.
const PAUSE: Duration = Duration::from_millis(150);

/// The plate whose negative control is splashed.
const SPOILED: usize = 1;

impl Lab<'_> {
    /// Runs plates until the day is over.
    ///
    /// # Errors
    /// Something is refused that must not be.
    pub async fn run_plates(&self, over: &AtomicBool) -> anyhow::Result<()> {
        let mut number = 0;
        let mut waiting_since: Option<Instant> = None;
        while !over.load(Ordering::Relaxed) {
            let waiting = self.waiting().await?;
            if waiting == 0 {
                waiting_since = None;
            } else {
                let since = *waiting_since.get_or_insert_with(Instant::now);
                if waiting >= FULL || since.elapsed() > PATIENCE {
                    waiting_since = None;
                    if self.plate(number).await? {
                        number += 1;
                    }
                    continue;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn waiting(&self) -> anyhow::Result<usize> {
        let request = v1::ListWorkRequest {
            lab: self.lab.to_owned(),
            queue: String::new(),
            most: 200,
        };
        let work = asking!(self.services, list_work, request).context("work listed")?;
        Ok(work.items.len())
    }

    /// One plate from its start to its result; `false` if nothing was there to be filled in yet.
    async fn plate(&self, number: usize) -> anyhow::Result<bool> {
        let plate = format!("{}P{}{number:04}", self.day.name, self.lab.replace('-', ""));
        let (lab, actor) = (self.lab.to_owned(), "tech-2".to_owned());
        let id = |step: &str| format!("{step}-{plate}");
        let started = v1::StartPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("start"),
            plate: plate.clone(),
            assay: "default-cn".to_owned(),
            ..Default::default()
        };
        pooling!(self.services, start_plate, started)
            .with_context(|| format!("{plate} started"))?;
        let fill = v1::FillPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            // A plate that stayed empty is filled again later.
            request_id: format!("fill-{plate}-{}", now_ms()),
            plate: plate.clone(),
            wells_max: None,
        };
        let filled =
            pooling!(self.services, fill_plate, fill).with_context(|| format!("{plate} filled"))?;
        if filled.wells.is_empty() {
            ensure!(
                filled.passed_over.is_empty(),
                "passed over: {:?}",
                filled.passed_over
            );
            return Ok(false);
        }
        let confirm = v1::ConfirmPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("confirm"),
            plate: plate.clone(),
            rest_done: true,
            ..Default::default()
        };
        pooling!(self.services, confirm_plate, confirm)
            .with_context(|| format!("{plate} confirmed"))?;
        let seal = v1::SealPlateRequest {
            lab: lab.clone(),
            actor: actor.clone(),
            request_id: id("seal"),
            plate: plate.clone(),
        };
        match pooling!(self.services, seal_plate, seal) {
            Ok(_) => {}
            // Whatever was planned for it was cancelled while it was pipetted.
            Err(status) if reason(&status) == "PLATE_EMPTY" => return self.give_up(&plate).await,
            Err(status) => bail!("{plate} sealed: {status}"),
        }
        let load = v1::LoadPlateRequest {
            lab: lab.clone(),
            actor,
            request_id: id("load"),
            plate: plate.clone(),
            instrument: "cycler-1".to_owned(),
        };
        pooling!(self.services, load_plate, load).with_context(|| format!("{plate} loaded"))?;
        let get = v1::GetPlateRequest {
            lab,
            plate: plate.clone(),
        };
        let view =
            asking!(self.services, get_plate, get).with_context(|| format!("{plate} read"))?;
        self.read(&view, number).await?;
        Ok(true)
    }

    /// A plate on which nothing stands is thrown away; its barcode is used.
    async fn give_up(&self, plate: &str) -> anyhow::Result<bool> {
        let void = v1::VoidPlateRequest {
            lab: self.lab.to_owned(),
            actor: "tech-2".to_owned(),
            request_id: format!("void-{plate}"),
            plate: plate.to_owned(),
            reason: "nothing stands on it".to_owned(),
        };
        pooling!(self.services, void_plate, void).with_context(|| format!("{plate} voided"))?;
        Ok(true)
    }

    /// The thermocycler reads a plate, and its file is handed in; that of the first plate twice.
    async fn read(&self, view: &v1::PlateView, number: usize) -> anyhow::Result<()> {
        let plate = &view.plate;
        let file = {
            let mut hands = self
                .hands
                .lock()
                .map_err(|_| anyhow::anyhow!("a task panicked"))?;
            cycler::run(view, number == SPOILED, |content| hands.show(content))
        };
        let mut request = v1::ImportRunRequest {
            lab: self.lab.to_owned(),
            plate: plate.clone(),
            instrument_serial: "SN-7".to_owned(),
            run_id: format!("run-{plate}"),
            read_at: now_ms(),
            file_name: format!("{plate}.csv"),
            file: file.into_bytes().into(),
            reason: String::new(),
            actor: "cycler-1".to_owned(),
            request_id: format!("import-{plate}"),
        };
        let reply = self.import(&request).await?;
        let reply = self.loaded(&request, reply).await?;
        let wanted = if number == SPOILED {
            v1::ImportState::OutOfControl
        } else {
            v1::ImportState::Released
        };
        ensure!(reply.state() == wanted, "run of {plate}: {reply:?}");
        if number == 0 {
            request.request_id = format!("import-{plate}-twice");
            let again = self.import(&request).await?;
            ensure!(again.same_file, "the same file again: {again:?}");
        }
        self.progress.plates.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// A run that came before its plate was known is parked, and taken by itself when the plate comes.
    async fn loaded(
        &self,
        request: &v1::ImportRunRequest,
        mut reply: v1::ImportRunReply,
    ) -> anyhow::Result<v1::ImportRunReply> {
        let began = Instant::now();
        while reply.state() == v1::ImportState::Parked && began.elapsed() < Duration::from_secs(90)
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let again = v1::ImportRunRequest {
                request_id: format!("{}-{}", request.request_id, now_ms()),
                ..request.clone()
            };
            reply = self.import(&again).await?;
        }
        Ok(reply)
    }

    async fn import(&self, request: &v1::ImportRunRequest) -> anyhow::Result<v1::ImportRunReply> {
        let link: &Link = &self.services.results;
        let asked = Asked {
            command: "import_run",
            actor: request.actor.clone(),
            request_id: request.request_id.clone(),
        };
        link.command(&asked, |channel| {
            let request = request.clone();
            async move { ResultsClient::new(channel).import_run(request).await }
        })
        .await
        .with_context(|| format!("run of {} imported", request.plate))
    }
}

impl Hands {
    /// What the liquid of a pool or a tube shows. Whatever holds an inhibited tube fails when it is extracted
    /// for the first time.
    pub fn show(&mut self, content: &str) -> Shown {
        let barcodes = self
            .pools
            .get(content)
            .cloned()
            .unwrap_or_else(|| self.tubes.get(content).cloned().into_iter().collect());
        let truths: Vec<Truth> = barcodes
            .iter()
            .filter_map(|barcode| self.truth.get(barcode).copied())
            .collect();
        let mut inhibited = false;
        for (barcode, truth) in barcodes.iter().zip(&truths) {
            if *truth == Truth::Inhibited {
                inhibited |= self.extracted.insert(barcode.clone());
            }
        }
        cycler::mixed(&truths, inhibited)
    }
}
