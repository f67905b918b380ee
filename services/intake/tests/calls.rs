//! The gRPC service as a site's system sees it.

mod common;

use common::registration;
use common::service::{LANES, start};
use tenfold_domain::policy::Policy;
use tenfold_proto::v1;
use tenfold_service_shell::status::describe;

fn apply() -> v1::ApplyPolicyRequest {
    v1::ApplyPolicyRequest {
        actor: "admin".to_owned(),
        request_id: "r-1".to_owned(),
        content: Policy::default_text().to_owned(),
    }
}

fn register(barcode: &str) -> v1::RegisterRequest {
    v1::RegisterRequest {
        actor: "gateway-1".to_owned(),
        request_id: format!("r-{barcode}"),
        registration: Some(registration(barcode)),
    }
}

#[tokio::test]
async fn a_policy_goes_to_every_lane_of_all_services() {
    let (mut intake, lanes) = start().await;
    let none = intake.get_policy(v1::GetPolicyRequest {}).await;
    assert_eq!(describe(&none.expect_err("none")).reason, "NO_POLICY");
    let applied = intake
        .apply_policy(apply())
        .await
        .expect("applied")
        .into_inner();
    assert_eq!((applied.version, applied.lanes.len()), (1, 3));
    let mut told = lanes.elsewhere.lock().expect("free").clone();
    told.sort();
    let wanted = [
        ("pooling", 0),
        ("pooling", 1),
        ("results", 0),
        ("results", 1),
    ];
    assert_eq!(told, wanted.map(|(s, n)| (s.to_owned(), n)));
    let active = intake.get_policy(v1::GetPolicyRequest {}).await;
    let active = active.expect("active").into_inner();
    assert_eq!((active.lanes, active.lanes_active), (LANES, LANES));

    let mut broken = apply();
    broken.content = broken
        .content
        .replace("lab = \"lab-1\"", "lab = \"nowhere\"");
    let refused = describe(&intake.apply_policy(broken).await.expect_err("refused"));
    assert_eq!(refused.reason, "POLICY_INVALID");
    assert_eq!(refused.field, "sites.s-01.lab");
}

#[tokio::test]
async fn a_scan_with_its_prefix_and_line_end_is_the_same_tube() {
    let (mut intake, _) = start().await;
    intake.apply_policy(apply()).await.expect("applied");
    let receipt = intake
        .register(register("]C1ABCD0001\r"))
        .await
        .expect("accepted");
    assert_eq!(receipt.into_inner().barcode, "ABCD0001");
    let again = intake.register(register("ABCD0001")).await.expect("known");
    assert_eq!(
        again.into_inner().effect(),
        v1::RegistrationEffect::AlreadyKnown
    );
    let request = v1::GetSampleRequest {
        barcode: "]C1ABCD0001".to_owned(),
    };
    let sample = intake
        .get_sample(request)
        .await
        .expect("known")
        .into_inner();
    assert_eq!(sample.life(), v1::BarcodeLife::Open);
}

#[tokio::test]
async fn a_refusal_names_reason_field_and_what_to_do() {
    let (mut intake, _) = start().await;
    intake.apply_policy(apply()).await.expect("applied");
    let mut wrong = register("ABCD0001");
    if let Some(registration) = &mut wrong.registration {
        registration.site = "s-99".to_owned();
    }
    let refused = describe(&intake.register(wrong).await.expect_err("refused"));
    assert_eq!(
        (refused.reason.as_str(), refused.field.as_str()),
        ("SITE_UNKNOWN", "site")
    );
    assert!(!refused.help.is_empty());
    let mut nobody = register("ABCD0001");
    nobody.actor.clear();
    let refused = describe(&intake.register(nobody).await.expect_err("refused"));
    assert_eq!(refused.reason, "ACTOR_MISSING");
    let mut nothing = register("ABCD0001");
    nothing.registration = None;
    let refused = describe(&intake.register(nothing).await.expect_err("refused"));
    assert_eq!(refused.reason, "FIELD_MISSING");
}

fn batch(first: u64, barcodes: &[&str]) -> v1::RegisterBatch {
    v1::RegisterBatch {
        actor: "gateway-1".to_owned(),
        source: "city".to_owned(),
        first_sequence: first,
        registrations: barcodes.iter().map(|b| registration(b)).collect(),
    }
}

#[tokio::test]
async fn batches_are_acknowledged_cumulatively_and_their_outcomes_watched() {
    let (mut intake, _) = start().await;
    intake.apply_policy(apply()).await.expect("applied");
    let batches = [
        batch(1, &["ABCD0001", "ABCD0002", "short"]),
        batch(4, &["ABCD0004"]),
    ];
    // The source was cut off and sends everything again.
    for _ in 0..2 {
        let stream = tokio_stream::iter(batches.clone());
        let mut acks = intake
            .register_stream(stream)
            .await
            .expect("taken")
            .into_inner();
        let mut numbers = Vec::new();
        while let Some(ack) = acks.message().await.expect("an acknowledgement") {
            numbers.push(ack.sequence);
        }
        assert_eq!(numbers, [3, 4]);
    }
    let watch = v1::WatchOutcomesRequest {
        source: "city".to_owned(),
        until_now: true,
        ..Default::default()
    };
    let mut told = intake
        .watch_outcomes(watch.clone())
        .await
        .expect("told")
        .into_inner();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    let mut cursor = String::new();
    while let Some(some) = told.message().await.expect("outcomes") {
        cursor = some.cursor;
        for outcome in some.outcomes {
            match outcome.refusal {
                Some(refusal) => refused.push((outcome.sequence, refusal.reason)),
                None => accepted.push(outcome.barcode),
            }
        }
    }
    accepted.sort();
    assert_eq!(accepted, ["ABCD0001", "ABCD0002", "ABCD0004"]);
    let twice = (3, "BARCODE_PATTERN".to_owned());
    assert_eq!(refused, [twice.clone(), twice], "sent twice, refused twice");
    let later = v1::WatchOutcomesRequest { cursor, ..watch };
    let mut told = intake
        .watch_outcomes(later)
        .await
        .expect("told")
        .into_inner();
    let nothing = told.message().await.expect("an end").expect("a cursor");
    assert_eq!(nothing.outcomes, []);
}

#[tokio::test]
async fn a_stream_with_a_gap_in_its_numbers_is_ended() {
    let (mut intake, _) = start().await;
    intake.apply_policy(apply()).await.expect("applied");
    let stream = tokio_stream::iter([batch(1, &["ABCD0001"]), batch(3, &["ABCD0003"])]);
    let mut acks = intake
        .register_stream(stream)
        .await
        .expect("taken")
        .into_inner();
    let mut end = acks.message().await;
    while let Ok(Some(_)) = end {
        end = acks.message().await;
    }
    assert_eq!(describe(&end.expect_err("a gap")).reason, "SEQUENCE_GAP");
}

#[tokio::test]
async fn the_board_adds_up_all_lanes() {
    let (mut intake, _) = start().await;
    intake.apply_policy(apply()).await.expect("applied");
    for n in 0..20 {
        intake
            .register(register(&format!("ABCD{n:04}")))
            .await
            .expect("accepted");
    }
    let board = intake.get_board(v1::IntakeBoardRequest::default()).await;
    let board = board.expect("a board").into_inner();
    assert_eq!(board.labs.len(), 1);
    assert_eq!(
        (board.labs[0].expected, board.labs[0].registered_total),
        (20, 20)
    );
    let page = intake
        .list_recollections(v1::ListRecollectionsRequest::default())
        .await
        .expect("a page")
        .into_inner();
    assert_eq!(
        (page.recollections.len(), page.next_page_token.as_str()),
        (0, "")
    );
}
