//! Plates: filled from what waits, sealed, put into the thermocycler, read, handed in.

use super::{Person, RESULTS, wire};
use crate::faults::Fault;
use crate::ledger::Liquid;
use crate::shared::SECOND;
use crate::task::read;
use std::collections::{BTreeMap, BTreeSet};
use tenfold_domain::Timestamp;
use tenfold_domain::results::state::Submission;
use tenfold_lab_day::cycler::{self, Shown};
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1;
use tenfold_results::readers;
use v1::pooling_command::Command;
use v1::pooling_query::Query;

/// Runs plates until the day is over.
pub async fn work(person: Person) {
    let mut number = 0;
    while !person.is_over() {
        person.hand.pause(10 * SECOND..60 * SECOND).await;
        if waiting(&person).await > 0 {
            number += 1;
            let plate = format!(
                "PL{}{number:04}",
                person.lab.replace('-', "").to_uppercase()
            );
            run(&person, &plate).await;
        }
    }
}

async fn waiting(person: &Person) -> usize {
    let query = v1::ListWorkRequest {
        lab: person.lab.clone(),
        queue: String::new(),
        most: 200,
    };
    let held = |item: &v1::WorkItem| !item.why.is_empty();
    person
        .ask::<v1::ListWorkResponse>(Query::Work(query))
        .await
        .map_or(0, |work| work.items.iter().filter(|i| !held(i)).count())
}

/// One plate, from its start to its result.
async fn run(person: &Person, plate: &str) {
    let lab = person.lab.clone();
    let started = v1::StartPlateRequest {
        lab: lab.clone(),
        plate: plate.to_owned(),
        assay: "default-cn".to_owned(),
        seed: Some(person.hand.draw(0..u64::MAX)),
        ..Default::default()
    };
    if let Err(refused) = person
        .pooling::<v1::PlateView>(Command::StartPlate(started))
        .await
    {
        return person.unexpected(&format!("starting {plate}"), &refused);
    }
    if !fill(person, plate).await {
        return drop_it(person, plate).await;
    }
    if person.hand.strikes(Fault::PlateDropped) {
        return drop_it(person, plate).await;
    }
    for _ in 0..12 {
        let seal = v1::SealPlateRequest {
            lab: lab.clone(),
            plate: plate.to_owned(),
            ..Default::default()
        };
        match person
            .pooling::<v1::SealPlateResponse>(Command::SealPlate(seal))
            .await
        {
            Ok(_) => return load(person, plate).await,
            // Somebody decides on what is held meanwhile.
            Err(refused) if refused.reason == "CONTENT_HELD" => {
                person.hand.pause(10 * SECOND..40 * SECOND).await;
            }
            Err(refused) if refused.reason == "PLATE_EMPTY" => break,
            Err(refused) => return person.unexpected(&format!("sealing {plate}"), &refused),
        }
    }
    drop_it(person, plate).await;
}

/// True if anything is on the plate.
async fn fill(person: &Person, plate: &str) -> bool {
    let lab = person.lab.clone();
    let request = v1::FillPlateRequest {
        lab: lab.clone(),
        plate: plate.to_owned(),
        wells_max: person.hand.likely(0.2).then_some(3),
        ..Default::default()
    };
    let filled = match person
        .pooling::<v1::FillPlateResponse>(Command::FillPlate(request))
        .await
    {
        Ok(filled) => filled.wells,
        Err(refused) => {
            person.unexpected(&format!("filling {plate}"), &refused);
            return false;
        }
    };
    if filled.is_empty() {
        return false;
    }
    person.hand.pause(SECOND..10 * SECOND).await;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let mut wells = BTreeMap::new();
    for well in filled {
        if person.hand.strikes(Fault::WellFailed) {
            failed.push(v1::PlateWellFailure {
                well: well.well,
                reason: "clogged tip".to_owned(),
            });
        } else {
            done.push(well.well.clone());
            wells.insert(well.well, well.content);
        }
    }
    person.desk(|desk| desk.wells.insert(plate.to_owned(), wells));
    let request = v1::ConfirmPlateRequest {
        lab,
        plate: plate.to_owned(),
        done: Vec::new(),
        failed,
        rest_done: true,
        ..Default::default()
    };
    match person
        .pooling::<v1::ConfirmPlateResponse>(Command::ConfirmPlate(request))
        .await
    {
        Ok(_) => true,
        // What was planned for a well that failed left it in between; the rest is confirmed.
        Err(refused) if refused.reason == "WELL_EMPTY" => {
            person.hand.pause(SECOND..5 * SECOND).await;
            false
        }
        Err(refused) => {
            person.unexpected(&format!("confirming {plate}"), &refused);
            false
        }
    }
}

async fn drop_it(person: &Person, plate: &str) {
    let request = v1::VoidPlateRequest {
        lab: person.lab.clone(),
        plate: plate.to_owned(),
        reason: "dropped".to_owned(),
        ..Default::default()
    };
    if let Err(refused) = person
        .pooling::<v1::VoidPlateResponse>(Command::VoidPlate(request))
        .await
    {
        person.unexpected(&format!("voiding {plate}"), &refused);
    }
}

async fn load(person: &Person, plate: &str) {
    let request = v1::LoadPlateRequest {
        lab: person.lab.clone(),
        plate: plate.to_owned(),
        instrument: "cycler-1".to_owned(),
        ..Default::default()
    };
    for tries in 0.. {
        match person
            .pooling::<v1::LoadPlateResponse>(Command::LoadPlate(request.clone()))
            .await
        {
            Ok(_) => break,
            Err(refused) if refused.reason == "CONTENT_HELD" && tries < 12 => {
                person.hand.pause(10 * SECOND..40 * SECOND).await;
            }
            Err(refused) if refused.reason == "CONTENT_HELD" => {
                return drop_it(person, plate).await;
            }
            Err(refused) => return person.unexpected(&format!("loading {plate}"), &refused),
        }
    }
    let query = v1::GetPlateRequest {
        lab: person.lab.clone(),
        plate: plate.to_owned(),
    };
    while !person.is_over() {
        let asked = person.ask::<v1::PlateView>(Query::Plate(query.clone()));
        match asked.await {
            Ok(view) if view.state == "loaded" => return instrument(person, &view).await,
            // Questions are answered without a barrier: a zombie may not know of it yet.
            Ok(_) => {}
            Err(refused) if refused.reason == "PLATE_UNKNOWN" => {}
            Err(refused) => return person.unexpected(&format!("reading {plate}"), &refused),
        }
        person.hand.pause(SECOND..10 * SECOND).await;
    }
}

/// The thermocycler reads what hands put there, and its file is handed in.
async fn instrument(person: &Person, view: &v1::PlateView) {
    let plate = view.plate.clone();
    let wells = person.desk(|desk| desk.wells.get(&plate).cloned().unwrap_or_default());
    for well in &view.wells {
        let lost = well.lost.is_some();
        if let Some(content) = &well.content
            && !lost
            && wells.get(&well.well) != Some(content)
        {
            person.hand.shared().problem(format!(
                "{plate} {}: the system has {content}, hands put {:?}",
                well.well,
                wells.get(&well.well)
            ));
        }
    }
    let spoiled = person.hand.strikes(Fault::OutOfControl);
    let file = {
        let mut ledger = person.ledger();
        let truth: BTreeMap<String, Truth> = ledger
            .tubes
            .iter()
            .map(|(barcode, tube)| (barcode.clone(), tube.truth))
            .collect();
        let liquid = ledger.lab(&person.lab);
        cycler::run(view, spoiled, |content| show(liquid, &truth, content))
    };
    person.hand.pause(5 * SECOND..60 * SECOND).await;
    if person.hand.strikes(Fault::WrongPlate) {
        let wrong = format!("{plate}X");
        import(person, &wrong, &format!("wrong-{plate}"), &file).await;
    }
    let run = format!("run-{plate}");
    let first = import(person, &plate, &run, &file).await;
    let Some(first) = first else { return };
    if person.hand.strikes(Fault::RunAgain) {
        person.hand.pause(SECOND..60 * SECOND).await;
        let again = import(person, &plate, &run, &file).await;
        if let Some(again) = again
            && first.state() != v1::ImportState::Parked
            && !again.same_file
        {
            person
                .hand
                .shared()
                .problem(format!("the file of {plate} again: {again:?}"));
        }
    }
    if person.hand.strikes(Fault::NewThreshold) {
        person.hand.pause(10 * SECOND..200 * SECOND).await;
        let moved = shift(&file);
        import(person, &plate, &run, &moved).await;
    }
}

/// What the liquid of a pool or a tube shows. Whatever holds an inhibited tube fails when it is extracted for
/// the first time.
fn show(liquid: &mut Liquid, truth: &BTreeMap<String, Truth>, content: &str) -> Shown {
    let barcodes: BTreeSet<String> = match liquid.tubes.get(content) {
        Some(barcode) => BTreeSet::from([barcode.clone()]),
        None => liquid
            .pools
            .get(content)
            .into_iter()
            .flatten()
            .filter_map(|tube| liquid.tubes.get(tube).cloned())
            .collect(),
    };
    let truths: Vec<Truth> = barcodes
        .iter()
        .filter_map(|barcode| truth.get(barcode).copied())
        .collect();
    let mut inhibited = false;
    for (barcode, truth) in barcodes.iter().zip(&truths) {
        if *truth == Truth::Inhibited {
            inhibited |= liquid.extracted.insert(barcode.clone());
        }
    }
    cycler::mixed(&truths, inhibited)
}

/// The same run with a threshold a little higher: every Ct moves, no call changes.
fn shift(file: &str) -> String {
    let line = |line: &str| {
        let moved = line
            .rsplit_once(',')
            .and_then(|(head, ct)| Some((head, ct.parse::<f64>().ok()?)));
        moved.map_or_else(
            || format!("{line}\n"),
            |(head, ct)| format!("{head},{:.2}\n", ct + 0.02),
        )
    };
    file.lines().map(line).collect()
}

async fn import(person: &Person, plate: &str, run: &str, file: &str) -> Option<v1::ImportRunReply> {
    let table = match readers::read(file.as_bytes()) {
        Ok(table) => table,
        Err(refused) => {
            person.unexpected(&format!("reading the file of {plate}"), &refused);
            return None;
        }
    };
    let submission = Submission {
        lab: person.lab.as_str().into(),
        plate: plate.into(),
        serial: "SN-7".to_owned(),
        run_id: run.to_owned(),
        read_at: Timestamp(person.hand.shared().wall().0),
        file_hash: readers::content_hash(file.as_bytes()),
        file_name: format!("{plate}.csv"),
        reason: String::new(),
        actor: "cycler-1".into(),
        table,
    };
    let submission = v1::RunSubmission::from(submission);
    loop {
        let body = wire::results(v1::results_command::Command::ImportRun(submission.clone()));
        let answer = person.hand.command(RESULTS, &person.lab, body).await;
        match read::<v1::ResultsReply>(answer) {
            Ok(v1::ResultsReply {
                reply: Some(v1::results_reply::Reply::Imported(imported)),
            }) => return Some(imported),
            Err(refused) if refused.reason == "NO_POLICY" => {
                person.hand.pause(SECOND..5 * SECOND).await;
            }
            // The plate was dropped with a run under way; or all its tubes were reported and filed meanwhile.
            Err(refused) if ["PLATE_VOIDED", "PLATE_FILED"].contains(&refused.reason.as_str()) => {
                return None;
            }
            Err(refused) => {
                person.unexpected(&format!("importing {run}"), &refused);
                return None;
            }
            Ok(other) => {
                person
                    .hand
                    .shared()
                    .problem(format!("importing {run}: {other:?}"));
                return None;
            }
        }
    }
}
