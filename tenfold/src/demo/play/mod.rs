//! The day, from the first registration to the last report.
//!
//! [`morning`] is what comes before the first tube, [`detours`] what does not go straight.

mod detours;
mod morning;

use super::bars::Bars;
use super::bench::{self, Seen};
use super::day::Day;
use super::lab::Lab;
use super::plates::{self, Plates};
use super::reporting::{self, Shared, told};
use super::summary::{self, Story};
use super::truth::Truth;
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tenfold_proto::v1::Registration;
use tenfold_proto::v1::intake_client::IntakeClient;
use tonic::transport::Channel;

/// The two labs of the example.
const LABS: [&str; 2] = ["lab-1", "lab-2"];

/// Without any progress for so long, the day has failed.
const STUCK: Duration = Duration::from_secs(60);

/// Plays one day.
pub async fn day(session: &Session, output: Output) -> Outcome {
    let began = Instant::now();
    let mut intake = IntakeClient::new(session.channel(To::Intake)?);
    morning::ready(session).await?;
    morning::policy(session, &mut intake).await?;
    let day = Day::write(
        morning::next_day(session, &mut intake).await?,
        &folder(session),
    )?;
    let mut truth = Truth::default();
    for file in day.truth_files() {
        truth.learn(&file)?;
    }
    output.say(&format!(
        "Day {}: {} tubes of nine sites for two labs. Files: {}",
        day.number,
        day.registrations.len(),
        day.folder.display()
    ));
    let prefix = format!("D{:03}", day.number);
    let reports = reporting::start(session, prefix.clone())?;
    let mut story = Story {
        register: Some(morning::register(session, output, &day).await?),
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
        let mut lab = Lab::new(id, &prefix, session)?;
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
    detours::late_registration(
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

fn of_lab(all: &[Registration], lab: &str) -> Vec<Registration> {
    const LAB_2: [&str; 4] = ["s-04", "s-05", "s-06", "s-08"];
    all.iter()
        .filter(|one| LAB_2.contains(&one.site.as_str()) == (lab == "lab-2"))
        .cloned()
        .collect()
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
        detours::redeliver(teams, story).await?;
        let again = detours::recollect(session, intake, day, truth, teams, recollected).await?;
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
