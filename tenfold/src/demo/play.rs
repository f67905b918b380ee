//! The day, from the first registration to the last report.

use super::bars::Bars;
use super::bench::{self, Seen};
use super::day::{self, Day};
use super::lab::{Lab, Patience};
use super::plates::{self, Plates};
use super::reporting::{self, Shared, told};
use super::summary::{self, Story};
use super::truth::Truth;
use crate::client::register::send;
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_proto::v1::{
    ApplyPolicyRequest, GetPolicyRequest, GetSampleRequest, GetStatusRequest,
    ListRecollectionsRequest, ListResultsWorkRequest, OpenRecollection, RegisterRequest,
    Registration, ResolveWorkRequest, WorkResolution,
};
use tonic::transport::Channel;

/// The two labs of the example.
const LABS: [&str; 2] = ["lab-1", "lab-2"];

/// Lines of the example that must be refused: one bad thing each.
const BAD_LINES: u64 = 6;

/// Without any progress for so long, the day has failed.
const STUCK: Duration = Duration::from_secs(60);

/// Plays one day.
pub async fn day(session: &Session, output: Output) -> Outcome {
    let began = Instant::now();
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    ready(session).await?;
    policy(session, &mut intake).await?;
    let day = Day::write(next_day(session, &mut intake).await?, &folder(session))?;
    let mut truth = Truth::read(&day.truth_file())?;
    output.say(&format!(
        "Day {}: {} tubes of nine sites for two labs. Files: {}",
        day.number,
        day.registrations.len(),
        day.folder.display()
    ));
    let prefix = format!("D{:03}", day.number);
    let reports = reporting::start(session, prefix.clone())?;
    let mut story = Story {
        register: Some(register(session, output, &day).await?),
        ..Story::default()
    };
    for registration in &day.registrations {
        truth.expect(registration);
    }
    let bars = Bars::new(output, day.registrations.len());
    let mut labs = Vec::new();
    for id in LABS {
        let of_lab = of_lab(&day.registrations, id);
        let racks = bench::racks(of_lab);
        let mut lab = Lab::new(id, session)?;
        let (received, pooled) = (bars.received.clone(), bars.pooled.clone());
        labs.push(tokio::spawn(async move {
            let mut seen = Seen::default();
            bench::receive(&mut lab, &racks, &received, &mut seen).await?;
            bench::pool(&lab, racks, &pooled, &mut seen).await?;
            Ok::<_, Failure>((lab, seen))
        }));
    }
    let mut teams = Vec::new();
    for lab in labs {
        let (lab, seen) = lab.await.map_err(|e| Failure::Wrong(e.to_string()))??;
        story.scans.extend(seen.scans);
        story.dirty.extend(seen.dirty);
        teams.push((lab, Plates::default()));
    }
    bars.received.finish();
    bars.pooled.finish();
    late_registration(
        &mut intake,
        session,
        &mut teams,
        &mut truth,
        &prefix,
        &mut story,
    )
    .await?;
    until_all_reported(
        session,
        &mut intake,
        &day,
        &mut truth,
        &mut teams,
        &reports,
        &bars,
        &mut story,
    )
    .await?;
    bars.clear();
    story.took = began.elapsed();
    for (lab, plates) in teams {
        story.plates += plates.plates;
        story.wells += plates.wells;
        for (sum, more) in story.calls.iter_mut().zip(plates.calls) {
            *sum += more;
        }
        story.dirty.extend(plates.dirty);
        story.labs.push(lab);
    }
    summary::tell(session, output, story, &truth, &reports).await
}

/// Where the day's files go.
fn folder(session: &Session) -> PathBuf {
    session
        .config
        .log
        .dir
        .parent()
        .map_or_else(|| PathBuf::from("data"), PathBuf::from)
        .join("demo")
}

async fn ready(session: &Session) -> Outcome {
    let mut operations = OperationsClient::new(session.channel(To::Intake)?);
    let patience = Patience::new("the services own their lanes");
    loop {
        if let Ok(reply) = operations
            .get_status(session.ask(GetStatusRequest {}))
            .await
        {
            let services = reply.into_inner().services;
            if !services.is_empty() && services.iter().all(|service| !service.owned.is_empty()) {
                return Ok(());
            }
        }
        patience.pause().await?;
    }
}

/// Puts the example's policy in force.
async fn policy(session: &Session, intake: &mut IntakeClient<Channel>) -> Outcome {
    let request = ApplyPolicyRequest {
        actor: session.actor.clone(),
        request_id: session.request_id(),
        content: day::POLICY.to_owned(),
    };
    OperationsClient::new(session.channel(To::Intake)?)
        .apply_policy(session.ask(request))
        .await?;
    let patience = Patience::new("the policy is in force");
    loop {
        if let Ok(reply) = intake.get_policy(session.ask(GetPolicyRequest {})).await {
            let reply = reply.into_inner();
            let whole = reply.lanes_active == reply.lanes;
            if whole && reply.content == day::POLICY {
                return Ok(());
            }
            if whole {
                return Err(Failure::Usage(
                    "another policy is in force here: play the demonstration in a folder of its own, with --data FOLDER"
                        .to_owned(),
                ));
            }
        }
        patience.pause().await?;
    }
}

/// The first day that was not played yet.
async fn next_day(session: &Session, intake: &mut IntakeClient<Channel>) -> Outcome<u32> {
    for number in 1..=999 {
        let barcode = day::first_barcode(number);
        match intake
            .get_sample(session.ask(GetSampleRequest { barcode }))
            .await
        {
            Ok(_) => {}
            Err(status) if status.code() == tonic::Code::NotFound => return Ok(number),
            Err(status) => return Err(status.into()),
        }
    }
    Err(Failure::Usage(
        "999 days were played here: begin a new folder".to_owned(),
    ))
}

async fn register(session: &Session, output: Output, day: &Day) -> Outcome<send::Report> {
    let report = send::file(session, output, &day.registrations_file(), None).await?;
    let rejected = report.rejected.len() as u64 + report.more_rejected;
    if rejected != BAD_LINES {
        let reasons: Vec<String> = report
            .rejected
            .iter()
            .take(20)
            .map(|one| format!("line {}: {}", one.line, one.message))
            .collect();
        return Err(Failure::Wrong(format!(
            "{rejected} lines were rejected, {BAD_LINES} are bad:\n  {}",
            reasons.join("\n  ")
        )));
    }
    Ok(report)
}

fn of_lab(all: &[Registration], lab: &str) -> Vec<Registration> {
    const LAB_2: [&str; 4] = ["s-04", "s-05", "s-06", "s-08"];
    all.iter()
        .filter(|one| LAB_2.contains(&one.site.as_str()) == (lab == "lab-2"))
        .cloned()
        .collect()
}

/// A tube that is in the lab before its registration is known.
async fn late_registration(
    intake: &mut IntakeClient<Channel>,
    session: &Session,
    teams: &mut [(Lab, Plates)],
    truth: &mut Truth,
    prefix: &str,
    story: &mut Story,
) -> Outcome {
    let Some((lab, _)) = teams.first_mut() else {
        return Ok(());
    };
    let registration = Registration {
        barcode: format!("{prefix}9700001"),
        site: "s-07".to_owned(),
        kind: tenfold_proto::v1::Kind::Person.into(),
        specimen_type: "np-swab".to_owned(),
        sampling_class: "fever-clinic".to_owned(),
        subjects: vec![format!("{}-late", prefix.to_lowercase())],
        collected_at: Some(jiff::Timestamp::now().as_millisecond()),
        ..Registration::default()
    };
    let arrived = {
        let mut lab = lab.clone();
        let barcode = registration.barcode.clone();
        tokio::spawn(async move { bench::receive_tubes(&mut lab, vec![barcode]).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    one(intake, session, registration.clone()).await?;
    truth.expect(&registration);
    arrived.await.map_err(|e| Failure::Wrong(e.to_string()))??;
    story.dirty.push(format!(
        "{}: tube {} received before it was registered, then known",
        lab.id, registration.barcode
    ));
    Ok(())
}

async fn one(
    intake: &mut IntakeClient<Channel>,
    session: &Session,
    registration: Registration,
) -> Outcome {
    let request = RegisterRequest {
        actor: session.actor.clone(),
        request_id: session.request_id(),
        registration: Some(registration),
    };
    intake.register(session.ask(request)).await?;
    Ok(())
}

/// Plates, retests, re-collections and deliveries, until every tube's report is accepted.
#[allow(clippy::too_many_arguments)]
async fn until_all_reported(
    session: &Session,
    intake: &mut IntakeClient<Channel>,
    day: &Day,
    truth: &mut Truth,
    teams: &mut [(Lab, Plates)],
    reports: &Shared,
    bars: &Bars,
    story: &mut Story,
) -> Outcome {
    let mut last = (0, Instant::now());
    let mut recollected = 0;
    loop {
        for (lab, plates) in teams.iter_mut() {
            plates::run_all(lab, day, truth, plates, &bars.plates).await?;
        }
        redeliver(teams, story).await?;
        let again = recollect(session, intake, day, truth, teams, recollected).await?;
        recollected += again;
        story.recollected = recollected;
        bars.reported.set_length(truth.expected().len() as u64);
        let done = told(reports, |told| {
            truth
                .expected()
                .keys()
                .filter(|barcode| told.reports.contains_key(*barcode))
                .count()
        });
        bars.reported.set_position(done as u64);
        if done == truth.expected().len() && again == 0 {
            return Ok(());
        }
        if done > last.0 || again > 0 {
            last = (done, Instant::now());
        } else if last.1.elapsed() > STUCK {
            return Err(Failure::Wrong(summary::stuck(truth, reports)));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// A rejected report is a work item: a person puts the matter right and sends it again.
async fn redeliver(teams: &mut [(Lab, Plates)], story: &mut Story) -> Outcome {
    for (lab, _) in teams {
        let request = ListResultsWorkRequest {
            lab: lab.id.clone(),
            limit: 100,
        };
        let work = lab
            .results
            .list_work(lab.session.ask(request))
            .await?
            .into_inner();
        for item in work.items {
            let rejected = item.kind == i32::from(summary::REJECTED);
            let Some(number) = item.work.as_ref().map(|work| work.number) else {
                continue;
            };
            let how = if rejected {
                story.dirty.push(format!(
                    "{}: report rejected by its receiver, sent again: {}",
                    lab.id, item.detail
                ));
                WorkResolution::Redeliver
            } else {
                story
                    .dirty
                    .push(format!("{}: for a person: {}", lab.id, item.detail));
                WorkResolution::Done
            };
            let request = ResolveWorkRequest {
                lab: lab.id.clone(),
                number,
                how: how.into(),
                note: "put right".to_owned(),
                actor: "tech-9".to_owned(),
                request_id: lab.session.request_id(),
            };
            lab.results.resolve_work(lab.session.ask(request)).await?;
        }
    }
    Ok(())
}

/// Everybody in a positive collection pool is swabbed again. Returns how many new tubes there are.
async fn recollect(
    session: &Session,
    intake: &mut IntakeClient<Channel>,
    day: &Day,
    truth: &mut Truth,
    teams: &mut [(Lab, Plates)],
    before: u32,
) -> Outcome<u32> {
    let request = ListRecollectionsRequest {
        site: String::new(),
        page_size: 1_000,
        page_token: String::new(),
    };
    let open: Vec<OpenRecollection> = intake
        .list_recollections(session.ask(request))
        .await?
        .into_inner()
        .recollections;
    let mut new = 0;
    let mut barcodes = Vec::new();
    for order in open {
        let Some(old) = day
            .registrations
            .iter()
            .find(|one| one.barcode == order.barcode)
        else {
            continue;
        };
        new += 1;
        let registration = Registration {
            barcode: format!("D{:03}98{:05}", day.number, before + new),
            collection_pool: false,
            observed_swabs: None,
            specimen_type: "np-swab".to_owned(),
            sampling_class: "close-contact".to_owned(),
            subjects: vec![order.subject],
            recollection_of: Some(order.barcode),
            collected_at: Some(jiff::Timestamp::now().as_millisecond()),
            transport_box: None,
            ..old.clone()
        };
        one(intake, session, registration.clone()).await?;
        truth.expect(&registration);
        barcodes.push(registration.barcode);
    }
    if let Some((lab, _)) = teams.iter_mut().find(|(lab, _)| lab.id == "lab-2")
        && !barcodes.is_empty()
    {
        bench::receive_tubes(lab, barcodes).await?;
    }
    Ok(new)
}
