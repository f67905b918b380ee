//! Collection sites: they register tubes in bulk, and go on after a break where they were.

use crate::ledger::Asked;
use crate::link::{Services, no_answer, reason};
use crate::plan::{Day, Story, Tube};
use crate::play::Progress;
use anyhow::{Context as _, bail, ensure};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{
    CancelRequest, RegisterBatch, RegisterRequest, Registration, RegistrationEffect,
    RegistrationReceipt,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Registrations in a batch.
const BATCH: usize = 250;

/// Batches under way.
const WINDOW: usize = 4;

/// A stream that acknowledges nothing for so long is opened anew.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Without any new acknowledgement for so long, the site gives up.
const STUCK: Duration = Duration::from_secs(90);

/// Duplicates tried of each kind.
const TRIED: usize = 5;

/// Registers all tubes but those that are late, cancels some, and tries what must be refused.
///
/// # Errors
/// Registrations are refused, or what must be refused is not.
pub async fn register(day: &Day, services: &Services, progress: &Progress) -> anyhow::Result<()> {
    let all: Vec<Registration> = day
        .tubes
        .iter()
        .filter(|tube| tube.story != Story::RegisteredLate)
        .map(|tube| tube.registration.clone())
        .collect();
    let source = format!("sites-of-{}", day.name);
    let mut durable = 0;
    let mut news = Instant::now();
    while durable < all.len() {
        let before = durable;
        let end = stream(services, &source, &all, &mut durable, progress).await;
        let acknowledged = all.get(before..durable.min(all.len())).unwrap_or_default();
        services.ledger.durable(&source, acknowledged);
        if durable > before {
            news = Instant::now();
        }
        match end {
            Ok(()) => {}
            Err(status) if no_answer(&status) && news.elapsed() < STUCK => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(status) => bail!(
                "registering stopped after {durable} of {}: {status}",
                all.len()
            ),
        }
    }
    for tube in day
        .tubes
        .iter()
        .filter(|tube| tube.story == Story::CancelledBefore)
    {
        decided(services, tube).await?;
        ensure!(
            cancel(services, tube).await?,
            "{} was reported without a tube",
            tube.barcode()
        );
    }
    refused(day, services).await
}

/// One stream, from the first registration not acknowledged.
async fn stream(
    services: &Services,
    source: &str,
    all: &[Registration],
    durable: &mut usize,
    progress: &Progress,
) -> Result<(), Status> {
    let (batches, requests) = mpsc::channel(WINDOW);
    let mut client = IntakeClient::new(services.intake.next());
    let first = *durable;
    let whole = all.to_vec();
    let source = source.to_owned();
    let sender = tokio::spawn(async move {
        for (index, part) in whole[first..].chunks(BATCH).enumerate() {
            let batch = RegisterBatch {
                actor: "sites".to_owned(),
                source: source.clone(),
                first_sequence: (first + index * BATCH + 1) as u64,
                registrations: part.to_vec(),
            };
            if batches.send(batch).await.is_err() {
                return;
            }
        }
    });
    let outcome = async {
        let mut acks = client
            .register_stream(ReceiverStream::new(requests))
            .await?
            .into_inner();
        while *durable < all.len() {
            let ack = tokio::time::timeout(SILENCE_MAX, acks.message())
                .await
                .map_err(|_| Status::deadline_exceeded("nothing is acknowledged"))??
                .ok_or_else(|| Status::unavailable("the stream was closed"))?;
            *durable = usize::try_from(ack.sequence)
                .unwrap_or(usize::MAX)
                .max(*durable);
            progress
                .registered
                .store(*durable as u64, Ordering::Relaxed);
        }
        Ok(())
    }
    .await;
    sender.abort();
    outcome
}

/// Registers one tube, and waits for the decision.
///
/// # Errors
/// It is refused.
pub async fn one(
    services: &Services,
    registration: &Registration,
    request_id: &str,
) -> Result<RegistrationReceipt, Status> {
    let request = RegisterRequest {
        actor: "site".to_owned(),
        request_id: request_id.to_owned(),
        registration: Some(registration.clone()),
    };
    let asked = Asked {
        command: "register",
        actor: request.actor.clone(),
        request_id: request.request_id.clone(),
    };
    services
        .intake
        .command(&asked, |channel| {
            let request = request.clone();
            async move { IntakeClient::new(channel).register(request).await }
        })
        .await
}

/// Waits until a durable registration is decided: the same again is known then.
async fn decided(services: &Services, tube: &Tube) -> anyhow::Result<()> {
    let mut registration = tube.registration.clone();
    registration.source.clear();
    one(
        services,
        &registration,
        &format!("again-{}", tube.barcode()),
    )
    .await
    .with_context(|| format!("{} registered again", tube.barcode()))?;
    Ok(())
}

/// Cancels a tube; `false` if it is too late: it was reported.
///
/// # Errors
/// It is refused.
pub async fn cancel(services: &Services, tube: &Tube) -> anyhow::Result<bool> {
    let request = CancelRequest {
        actor: "site".to_owned(),
        request_id: format!("cancel-{}", tube.barcode()),
        barcode: tube.barcode().to_owned(),
        reason: "registered for the wrong person".to_owned(),
    };
    let asked = Asked {
        command: "cancel",
        actor: request.actor.clone(),
        request_id: request.request_id.clone(),
    };
    let cancelled = services
        .intake
        .command(&asked, |channel| {
            let request = request.clone();
            async move { IntakeClient::new(channel).cancel(request).await }
        })
        .await;
    match cancelled {
        Ok(_) => Ok(true),
        Err(status) if reason(&status) == "SAMPLE_CLOSED" => Ok(false),
        Err(status) => bail!("{} cancelled: {status}", tube.barcode()),
    }
}

/// What sites do wrong is answered as it must be.
async fn refused(day: &Day, services: &Services) -> anyhow::Result<()> {
    let plain = |tube: &&Tube| tube.story == Story::Racked && !tube.registration.collection_pool;
    for tube in day.tubes.iter().filter(plain).take(TRIED) {
        let barcode = tube.barcode();
        let mut registration = tube.registration.clone();
        let again = one(services, &registration, &format!("known-{barcode}"))
            .await
            .with_context(|| format!("{barcode} stated again"))?;
        ensure!(
            again.effect() == RegistrationEffect::AlreadyKnown,
            "{barcode} stated again is {:?}, not already known",
            again.effect()
        );
        registration.subjects = vec!["somebody-else".to_owned()];
        let other = one(services, &registration, &format!("other-{barcode}")).await;
        ensure!(
            other
                .as_ref()
                .is_err_and(|status| !reason(status).is_empty()),
            "{barcode} for somebody else is not refused: {other:?}"
        );
        registration = tube.registration.clone();
        registration.barcode = format!("{barcode} x");
        let malformed = one(services, &registration, &format!("malformed-{barcode}")).await;
        ensure!(
            malformed
                .as_ref()
                .is_err_and(|status| !reason(status).is_empty()),
            "a barcode with a space is not refused: {malformed:?}"
        );
    }
    Ok(())
}
