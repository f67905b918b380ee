//! The whole day at once: sites, benches, plates and the receiver, until everything is reported.

use crate::bench::{Hands, Lab};
use crate::link::Services;
use crate::plan::{Day, Story, Truth, Tube};
use crate::receiver::{self, Inbox};
use crate::{check, site};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use v1::operations_client::OperationsClient;

/// Without any new report for so long, the day is stuck.
const STUCK: Duration = Duration::from_secs(75);

/// Class of those who are swabbed again: tested alone.
const AGAIN: &str = "close-contact";

/// How far the day is; may be read while it is played.
#[derive(Debug, Default)]
pub struct Progress {
    /// Registrations acknowledged as durable.
    pub registered: AtomicU64,
    /// Tubes received.
    pub received: AtomicU64,
    /// Plates read.
    pub plates: AtomicU64,
    /// Different reports taken by the receiver.
    pub reports: AtomicU64,
}

/// What the day came to.
#[derive(Debug)]
pub struct Played {
    /// How long each part took.
    pub registering: Duration,
    /// From the beginning to the last report.
    pub took: Duration,
    /// Tubes, new swabs included.
    pub tubes: usize,
    /// What was reported in the end.
    pub verdicts: BTreeMap<String, usize>,
    /// Reports taken, and deliveries that came again.
    pub reports: usize,
    /// Deliveries that came more than once.
    pub repeated: u32,
    /// Alerts of suspect pools.
    pub alerts: usize,
    /// Plates read.
    pub plates: u64,
}

/// Applies the day's policy and plays the day to its end.
///
/// # Errors
/// Something is refused that must not be, a tube is stuck (it says where), or what was reported is not true.
pub async fn play(day: &Day, services: &Services, progress: &Progress) -> anyhow::Result<Played> {
    apply_policy(day, services).await?;
    let began = Instant::now();
    let over = AtomicBool::new(false);
    let inbox = Mutex::new(Inbox {
        day: day.name.clone(),
        ..Inbox::default()
    });
    let hands: Vec<Mutex<Hands>> = day.labs.iter().map(|_| Mutex::default()).collect();
    let labs: Vec<Lab<'_>> = day
        .labs
        .iter()
        .zip(&hands)
        .map(|(lab, hands)| Lab {
            lab,
            day,
            services,
            hands,
            progress,
        })
        .collect();
    let registering = async {
        site::register(day, services, progress)
            .await
            .context("sites")?;
        Ok(began.elapsed())
    };
    let benches = futures::future::try_join_all(labs.iter().map(async |lab| {
        lab.work()
            .await
            .with_context(|| format!("bench of {}", lab.lab))
    }));
    let plates = futures::future::try_join_all(labs.iter().map(async |lab| {
        lab.run_plates(&over)
            .await
            .with_context(|| format!("plates of {}", lab.lab))
    }));
    let supervised = async {
        let (registered, _) = futures::try_join!(registering, benches)?;
        let tubes = until_reported(day, &labs, &inbox).await?;
        let took = began.elapsed();
        // The receiver stays: its last answers are on their way.
        let told = inbox
            .lock()
            .map_err(|_| anyhow::anyhow!("a task panicked"))?
            .clone();
        check::everything(day, &tubes, services, &told).await?;
        over.store(true, Ordering::Relaxed);
        Ok((registered, tubes, took))
    };
    let receiving = receiver::receive(services, &inbox, progress, &over);
    let ((registering, tubes, took), _, ()) = futures::try_join!(supervised, plates, receiving)?;
    let inbox = inbox
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a task panicked"))?;
    check::tell(&inbox.wrong)?;
    Ok(played(&inbox, progress, &tubes, registering, took))
}

fn played(
    inbox: &Inbox,
    progress: &Progress,
    tubes: &[Tube],
    registering: Duration,
    took: Duration,
) -> Played {
    let mut verdicts = BTreeMap::new();
    for tube in tubes {
        let verdict = inbox
            .newest(tube.barcode())
            .map_or("none", |report| report.verdict().as_str_name());
        *verdicts
            .entry(verdict.trim_start_matches("VERDICT_").to_lowercase())
            .or_default() += 1;
    }
    Played {
        registering,
        took,
        tubes: tubes.len(),
        verdicts,
        reports: inbox.reports.len(),
        repeated: inbox.reports.values().map(|taken| taken.times - 1).sum(),
        alerts: inbox.alerts.len(),
        plates: progress.plates.load(Ordering::Relaxed),
    }
}

/// Applies the day's policy to every lane of every service.
///
/// # Errors
/// It is refused.
pub async fn apply_policy(day: &Day, services: &Services) -> anyhow::Result<()> {
    let request = v1::ApplyPolicyRequest {
        actor: "admin".to_owned(),
        request_id: format!("policy-{}", day.name),
        content: day.policy(),
    };
    services
        .intake
        .call(|channel| {
            let request = request.clone();
            async move { OperationsClient::new(channel).apply_policy(request).await }
        })
        .await
        .context("policy applied")?;
    Ok(())
}

/// Waits until everything is reported as it must be; persons of positive collection tubes are swabbed again
/// meanwhile. Answers all tubes there were.
async fn until_reported(
    day: &Day,
    labs: &[Lab<'_>],
    inbox: &Mutex<Inbox>,
) -> anyhow::Result<Vec<Tube>> {
    let mut tubes = day.tubes.clone();
    let mut before = (0, Instant::now());
    loop {
        for tube in &mut tubes {
            let too_late = |lab: &Lab<'_>| {
                lab.hands
                    .lock()
                    .is_ok_and(|hands| hands.too_late.contains(tube.barcode()))
            };
            if tube.story == Story::CancelledAfter && labs.iter().any(too_late) {
                tube.story = Story::Racked;
            }
        }
        let (reports, again, missing) = {
            let mut inbox = inbox
                .lock()
                .map_err(|_| anyhow::anyhow!("a task panicked"))?;
            let again = std::mem::take(&mut inbox.recollect);
            (inbox.reports.len(), again, check::missing(&tubes, &inbox))
        };
        for lab in labs {
            for report in again.iter().filter(|report| report.lab == lab.lab) {
                let new = swabs_of(&tubes, report)?;
                lab.swab_again(&new)
                    .await
                    .with_context(|| format!("{} swabbed again", report.barcode))?;
                tubes.extend(new);
            }
        }
        if missing.is_empty() && again.is_empty() {
            return Ok(tubes);
        }
        if reports != before.0 {
            before = (reports, Instant::now());
        }
        if before.1.elapsed() > STUCK {
            let Some(lab) = labs.first() else {
                bail!("no lab")
            };
            let told = check::where_they_are(lab.services, &missing).await;
            bail!(
                "no new report for {} s, and {} tubes have no right one:\n  {}",
                STUCK.as_secs(),
                missing.len(),
                told.join("\n  ")
            );
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One tube for each person of a collection tube that must be swabbed again.
fn swabs_of(tubes: &[Tube], report: &v1::Report) -> anyhow::Result<Vec<Tube>> {
    let old = tubes
        .iter()
        .find(|tube| tube.barcode() == report.barcode)
        .with_context(|| format!("{} was never registered", report.barcode))?;
    let swab = |(number, subject): (usize, &String)| {
        let mut registration = old.registration.clone();
        registration.barcode = format!("{}N{number:02}", old.barcode());
        registration.subjects = vec![subject.clone()];
        registration.collection_pool = false;
        registration.observed_swabs = None;
        registration.sampling_class = AGAIN.to_owned();
        registration.recollection_of = Some(old.barcode().to_owned());
        Tube {
            registration,
            lab: old.lab.clone(),
            truth: if old.carrier.as_ref() == Some(subject) {
                old.truth
            } else {
                Truth::Negative
            },
            carrier: None,
            story: Story::Scanned,
        }
    };
    Ok(old
        .registration
        .subjects
        .iter()
        .enumerate()
        .map(swab)
        .collect())
}
