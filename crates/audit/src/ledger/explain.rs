//! Nothing is in a journal that no input explains: each event must find its cause in what its batch
//! consumed. [`causes`](super::causes) says what can be seen of a cause, and what cannot.

use super::book::Book;
use crate::about;
use crate::finding::Rule;
use crate::lane::Service;
use tenfold_proto::v1::intake_event::Event as Intake;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Results;

/// Kinds of messages that results sends to pooling.
const OF_RESULTS: [u8; 4] = [8, 9, 10, about::FILED];
/// Kinds of messages that intake sends to pooling.
const OF_INTAKE: [u8; 3] = [about::DETAILS, about::WITHDRAWN, 3];

fn unexplained(book: &mut Book<'_>, explained: bool, event: &str) {
    book.check(explained, Rule::Unexplained, |_| {
        format!("{event}: nothing that its batch consumed explains it")
    });
}

/// An event of intake.
pub fn intake(book: &mut Book<'_>, event: &Intake) {
    let causes = book.causes;
    let stated = |barcode: &str| {
        let barcode = about::name(barcode);
        causes.unknown
            || causes.registrations.contains(&barcode)
            || causes.receipts.contains(&barcode)
    };
    let registered = |stated: &Option<tenfold_proto::v1::Sample>| {
        stated
            .as_ref()
            .map(|s| s.barcode.clone())
            .unwrap_or_default()
    };
    let (explained, what) = match event {
        Intake::PolicyActivated(policy) => (
            causes.policy(policy.version, &policy.content),
            format!("policy {} becomes active", policy.version),
        ),
        Intake::Registered(s) | Intake::Amended(s) => {
            let barcode = registered(&s.sample);
            (stated(&barcode), format!("{barcode} is registered"))
        }
        Intake::Withdrawn(w) => (
            causes.unknown || causes.receipts.contains(&about::name(&w.barcode)),
            format!("{} is cancelled", w.barcode),
        ),
        Intake::RegistrationRefused(refused) => (
            causes.unknown || !causes.registrations.is_empty(),
            format!("a registration of {:?} is refused", refused.barcode),
        ),
        Intake::TubeReceived(seen) => (
            causes.message_about(about::SEEN, &seen.barcode),
            format!("the tube of {} is seen", seen.barcode),
        ),
        Intake::CustodyDisputed(disputed) => (
            causes.message_about(about::SEEN, &disputed.barcode),
            format!("the tube of {} is disputed", disputed.barcode),
        ),
        Intake::Closed(closed) => (
            causes.message_about(about::CLOSED, &closed.barcode),
            format!("{} is closed", closed.barcode),
        ),
        Intake::Filed(filed) => (
            causes.filed_sample(&filed.barcode),
            format!("{} is filed", filed.barcode),
        ),
        Intake::CardDropped(dropped) => (
            causes.message_about(about::DROPPED, &dropped.barcode),
            format!("the card of {} is dropped", dropped.barcode),
        ),
        Intake::RecollectionOrdered(order) => (
            causes.message_about(11, &order.order),
            format!("re-collection {} is ordered", order.order),
        ),
        Intake::ReplacementNoted(new) => (
            causes.message_about(12, &new.old),
            format!("{} replaces {}", new.new, new.old),
        ),
        Intake::RecollectionFulfilled(fulfilled) => (
            causes.message_about(11, &fulfilled.order) || causes.message_about(12, &fulfilled.old),
            format!("re-collection {} is fulfilled", fulfilled.order),
        ),
        Intake::ResultAwaited(awaited) => (
            causes.message_about(13, &awaited.order),
            format!("re-collection {} waits for a result", awaited.order),
        ),
        // A timer: INV-09 judges its time.
        Intake::WatchChecked(_) => return,
    };
    unexplained(book, explained, &what);
}

/// An event of pooling.
pub fn pooling(book: &mut Book<'_>, by: &str, what: &What) {
    let causes = book.causes;
    let (explained, says) = match what {
        What::PolicyActivated(policy) => (
            causes.policy(policy.version, &policy.content),
            format!("policy {} becomes active", policy.version),
        ),
        What::SampleExpected(event) => {
            let barcode = event.sample.as_ref().map_or("", |s| s.barcode.as_str());
            (
                causes.told(event.sample.as_ref()),
                format!("{barcode} is expected"),
            )
        }
        What::TubeDetailed(event) => (
            causes.told(event.sample.as_ref()),
            format!("tube {} gets its registration", event.tube),
        ),
        What::ExpectedWithdrawn(event) => (
            // Or its tube was filed already when this version of it came.
            causes.message_about(about::WITHDRAWN, &event.barcode)
                || causes.filed_sample(&event.barcode),
            format!("{} is expected no more", event.barcode),
        ),
        What::RetestOrdered(event) => {
            let order = event.order.as_ref().map_or("", |o| o.order.as_str());
            (
                causes.message_about(8, order),
                format!("order {order} is taken"),
            )
        }
        What::ReplateOrdered(order) => (
            causes.message_about(9, &order.plate),
            format!("plate {} is plated again", order.plate),
        ),
        What::SampleClosed(closed) => (
            causes.message_about(about::CLOSED, &closed.barcode),
            format!("tube {} is closed", closed.tube),
        ),
        What::TubesFiled(filed) => (
            causes.filed(&filed.lab, &filed.tubes),
            format!("tubes of lab {} are filed", filed.lab),
        ),
        What::DeadlinesChecked(_) => return,
        other => {
            let name = format!("{other:?}");
            let name = name.split('(').next().unwrap_or_default().to_owned();
            // Details that arrive make what a person would have to scan again.
            let explained = causes.actors.contains(by)
                || by == "timer"
                || by == "intake" && causes.any_message(&OF_INTAKE)
                || by == "results" && causes.any_message(&OF_RESULTS)
                || causes.unknown;
            (explained, format!("{name} by {by:?}"))
        }
    };
    unexplained(book, explained, &says);
}

/// An event of results.
pub fn results(book: &mut Book<'_>, event: &Results) {
    let causes = book.causes;
    let (explained, says) = match event {
        Results::PolicyActivated(policy) => (
            causes.policy(policy.version, &policy.content),
            format!("policy {} becomes active", policy.version),
        ),
        Results::PlateLoaded(loaded) => (
            causes.unknown
                || loaded
                    .plate
                    .iter()
                    .any(|plate| causes.plates.contains(plate)),
            "a plate is loaded as nobody told it".to_owned(),
        ),
        Results::PlateVoided(_) => (causes.any_message(&[6]), "a plate is voided".to_owned()),
        Results::MemberAmended(amended) => (
            causes.member(amended),
            format!("tube {} is amended as nobody told it", amended.tube),
        ),
        Results::RecollectionRegistered(registered) => (
            causes.message_about(13, &registered.order),
            format!("re-collection {} is carried out", registered.order),
        ),
        Results::RecollectionFound(found) => (
            causes.message_about(14, &found.order),
            format!("re-collection {} has its result", found.order),
        ),
        Results::RunImported(run) => (
            causes.answered() || causes.any_message(&[5]),
            format!("run {} is read", run.run_id),
        ),
        Results::RunParked(_)
        | Results::DeliveriesSent(_)
        | Results::DeliveriesAccepted(_)
        | Results::DeliveryRequeued(_)
        | Results::WorkResolved(_) => (
            causes.answered() || causes.unknown,
            "a person's or a receiver's act".to_owned(),
        ),
        // Timers: their own rules judge their time.
        Results::TimerDone(_) | Results::SpecimensFiled(_) | Results::CardsDropped(_) => return,
        _ => (
            causes.any(),
            "an event that follows from another".to_owned(),
        ),
    };
    unexplained(book, explained, &says);
}

/// What a batch sends must come from something too.
pub fn messages(book: &mut Book<'_>, service: Service) {
    let decisions = &book.batch.decisions;
    let unreadable = book.batch.taken.as_ref().is_some_and(|taken| {
        taken.unreadable > 0 || !taken.messages.is_empty() || !taken.externals.is_empty()
    });
    let explained = decisions.messages.is_empty()
        || !decisions.events.is_empty()
        || !decisions.outcomes.is_empty()
        || unreadable
        || book.batch.taken.is_none()
        || decisions.messages.iter().all(|m| m.topic == "dead-letters");
    book.check(explained, Rule::Unexplained, |_| {
        format!("{} sends messages, and nothing happened", service.name())
    });
}
