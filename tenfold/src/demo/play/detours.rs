//! What does not go straight: a tube before its registration, a report that its receiver rejects, a swab taken again.

use crate::connect::Session;
use crate::demo::bench;
use crate::demo::day::Day;
use crate::demo::lab::Lab;
use crate::demo::plates::Plates;
use crate::demo::summary::{self, Story};
use crate::demo::truth::Truth;
use crate::failure::{Failure, Outcome};
use std::time::Duration;
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{
    ListRecollectionsRequest, ListResultsWorkRequest, OpenRecollection, RegisterRequest,
    Registration, ResolveWorkRequest, WorkResolution,
};
use tonic::transport::Channel;

/// A tube that is in the lab before its registration is known.
pub(super) async fn late_registration(
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

/// A rejected report is a work item: a person puts the matter right and sends it again.
pub(super) async fn redeliver(teams: &mut [(Lab, Plates)], story: &mut Story) -> Outcome {
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
pub(super) async fn recollect(
    session: &Session,
    intake: &mut IntakeClient<Channel>,
    day: &Day,
    truth: &mut Truth,
    teams: &mut [(Lab, Plates)],
    before: u32,
) -> Outcome<u32> {
    let mut new = 0;
    let mut barcodes = Vec::new();
    for order in open_recollections(session, intake).await? {
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

/// All of them: those that days before left open may fill the first pages.
async fn open_recollections(
    session: &Session,
    intake: &mut IntakeClient<Channel>,
) -> Outcome<Vec<OpenRecollection>> {
    let mut open = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListRecollectionsRequest {
            site: String::new(),
            page_size: 1_000,
            page_token,
        };
        let page = intake.list_recollections(session.ask(request)).await?;
        let page = page.into_inner();
        open.extend(page.recollections);
        if page.next_page_token.is_empty() {
            return Ok(open);
        }
        page_token = page.next_page_token;
    }
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
