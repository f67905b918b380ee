//! Plates: filled from what waits, sealed, run, and the run's file handed in; until nothing waits.

use super::cycler::{self, Wells};
use super::day::Day;
use super::lab::{Lab, Patience, ask, look};
use super::truth::Truth;
use crate::failure::{Failure, Outcome};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use std::collections::HashMap;
use tenfold_proto::v1::{ImportRunReply, ImportRunRequest, ImportState, PlateView, Sample};

/// The kit.
const ASSAY: &str = "default-cn";

/// Questions on their way at a time.
const QUESTIONS: usize = 32;

/// What the plates of a lab were.
#[derive(Debug, Default)]
pub struct Plates {
    /// Made and run.
    pub plates: u32,
    /// Wells with specimens in them.
    pub wells: u64,
    /// Wells by call.
    pub calls: [u64; 5],
    /// Dirty cases and how they ended.
    pub dirty: Vec<String>,
    known: HashMap<String, Vec<String>>,
    number: u32,
}

/// Makes and runs plates until nothing waits for a well. Returns whether there was anything.
pub async fn run_all(
    lab: &mut Lab,
    day: &Day,
    truth: &mut Truth,
    plates: &mut Plates,
    bar: &ProgressBar,
) -> Outcome<bool> {
    let mut any = false;
    loop {
        let work = look!(
            lab,
            list_work,
            ListWorkRequest {
                queue: String::new(),
                most: 1
            }
        )?;
        if work.items.is_empty() {
            return Ok(any);
        }
        if !one(lab, day, truth, plates).await? {
            return Ok(any);
        }
        any = true;
        bar.inc(1);
    }
}

async fn one(lab: &mut Lab, day: &Day, truth: &mut Truth, plates: &mut Plates) -> Outcome<bool> {
    plates.number += 1;
    let suffix = lab.id.replace('-', "").to_uppercase();
    let name = format!("PL{:03}{suffix}N{:03}", day.number, plates.number);
    ask!(
        lab,
        "tech-2",
        start_plate,
        StartPlateRequest {
            plate: name.clone(),
            assay: ASSAY.to_owned(),
            layout: String::new(),
            seed: None,
        }
    )?;
    let filled = ask!(
        lab,
        "tech-2",
        fill_plate,
        FillPlateRequest {
            plate: name.clone(),
            wells_max: None
        }
    )?;
    if filled.wells.is_empty() {
        ask!(
            lab,
            "tech-2",
            void_plate,
            VoidPlateRequest {
                plate: name,
                reason: "nothing to put on it".to_owned()
            }
        )?;
        return Ok(false);
    }
    ask!(
        lab,
        "tech-2",
        confirm_plate,
        ConfirmPlateRequest {
            plate: name.clone(),
            done: Vec::new(),
            failed: Vec::new(),
            rest_done: true,
        }
    )?;
    ask!(
        lab,
        "tech-2",
        seal_plate,
        SealPlateRequest {
            plate: name.clone()
        }
    )?;
    ask!(
        lab,
        "tech-2",
        load_plate,
        LoadPlateRequest {
            plate: name.clone(),
            instrument: format!("cycler-{}", plates.number % 3 + 1)
        }
    )?;
    let view = look!(
        lab,
        get_plate,
        GetPlateRequest {
            plate: name.clone()
        }
    )?;
    let wells = contents(lab, &view, plates, truth).await?;
    // The second plate of the first lab: somebody splashed.
    let spoiled = plates.number == 2 && lab.id == "lab-1";
    let file = cycler::run(&view, &wells, truth, spoiled);
    std::fs::write(day.run_file(&name), &file)?;
    let mut reply = import(lab, &name, plates.number, file.clone(), "").await?;
    if spoiled && reply.state() == ImportState::Quarantined {
        // Where its controls were drawn, it may as well be a plate that was turned round: somebody goes and looks.
        plates.dirty.push(format!(
            "{}: run of plate {name} held: {}; looked at, and handed in again",
            lab.id,
            reply.notes.join("; ")
        ));
        reply = import(
            lab,
            &name,
            plates.number,
            file,
            "it stands the right way round",
        )
        .await?;
    }
    match reply.state() {
        ImportState::Released if !spoiled => {}
        ImportState::OutOfControl if spoiled => plates.dirty.push(format!(
            "{}: control of plate {name} failed, nothing released: {}",
            lab.id,
            reply.notes.join("; ")
        )),
        other => {
            return Err(Failure::Wrong(format!(
                "plate {name} was {other:?}: {}",
                reply.notes.join("; ")
            )));
        }
    }
    plates.plates += 1;
    plates.wells += wells.len() as u64;
    let calls = [
        reply.negative,
        reply.positive,
        reply.single_target,
        reply.grey,
        reply.invalid,
    ];
    for (sum, more) in plates.calls.iter_mut().zip(calls) {
        *sum += u64::from(more);
    }
    Ok(true)
}

/// Barcodes of the tubes whose liquid is in each well; asked for many at a time. The truth is told of those that go
/// alone: a killed day may have left swabs that were taken again, which no file names.
async fn contents(
    lab: &Lab,
    plate: &PlateView,
    plates: &mut Plates,
    truth: &mut Truth,
) -> Outcome<Wells> {
    let filled = plate
        .wells
        .iter()
        .filter_map(|well| Some((well.well.clone(), well.content.clone()?)));
    let filled: Vec<(String, String)> = filled.collect();
    let unknown: Vec<String> = filled
        .iter()
        .map(|(_, content)| content.clone())
        .filter(|content| !plates.known.contains_key(content))
        .collect();
    let mut asked = futures::stream::iter(unknown)
        .map(|content| barcodes(lab.clone(), content))
        .buffer_unordered(QUESTIONS);
    while let Some(answer) = asked.next().await {
        let (content, barcodes, sample) = answer?;
        if let Some(sample) = sample {
            truth.meet(&sample.barcode, &sample.subjects);
        }
        plates.known.insert(content, barcodes);
    }
    let known = |content: &String| plates.known.get(content).cloned().unwrap_or_default();
    Ok(filled
        .into_iter()
        .map(|(well, content)| (well, known(&content)))
        .collect())
}

/// Barcodes of the tubes in a pool; or of one tube, and its sample.
async fn barcodes(mut lab: Lab, content: String) -> Outcome<(String, Vec<String>, Option<Sample>)> {
    if content.contains("/P") {
        let pool = content.clone();
        let found = look!(lab, get_pool, GetPoolRequest { pool: pool })?;
        let members = found.members.into_iter().map(|member| member.barcode);
        Ok((content, members.collect(), None))
    } else {
        let tube = content.clone();
        let found = look!(lab, get_tube, GetTubeRequest { tube: tube })?;
        let barcodes = found.barcodes.into_iter().take(1).collect();
        Ok((content, barcodes, found.sample))
    }
}

/// `reason`: of a person who looked, for a run that was held.
async fn import(
    lab: &mut Lab,
    plate: &str,
    number: u32,
    file: String,
    reason: &str,
) -> Outcome<ImportRunReply> {
    let request = ImportRunRequest {
        lab: lab.id.clone(),
        plate: plate.to_owned(),
        instrument_serial: format!("SIM-{}-{}", lab.id, number % 3 + 1),
        run_id: format!("run-{plate}"),
        read_at: jiff::Timestamp::now().as_millisecond(),
        file_name: format!("{plate}.csv"),
        file: file.into_bytes().into(),
        reason: reason.to_owned(),
        actor: "cycler".to_owned(),
        request_id: String::new(),
    };
    // The plate's message may still be on its way to results: then the run is parked, and taken up when it comes.
    let patience = Patience::new(format!("the run of plate {plate} is taken up"));
    loop {
        let again = ImportRunRequest {
            request_id: lab.session.request_id(),
            ..request.clone()
        };
        let answer = lab
            .results
            .import_run(lab.session.ask(again))
            .await?
            .into_inner();
        if answer.state() != ImportState::Parked {
            return Ok(answer);
        }
        patience.pause().await?;
    }
}
