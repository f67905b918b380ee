//! Filing: a sample that is final for longer than the retention leaves the state.
//!
//! Closed tubes wait in the order in which they were closed. When the oldest have waited for the retention they are
//! looked at: those that nothing is open for are filed, by an event that names them, and the rest waits once more.
//! What is left of a filed sample is its card ([`Filed`]); its timeline is read from the journal. Late messages about
//! it find the card: a correction becomes a work item for a person, because the report that it corrects was made
//! from rows that are gone.
//!
//! Cards have a time of their own, from filing on: then they are dropped, oldest decision first, and intake is told to
//! drop its own. It does not go by its own clock: it might drop first, and not know the sample whose closing is told.

use super::draft::{Draft, Outgoing};
use super::event::Event;
use super::outcome::tell_filed;
use super::state::{
    Filed, Order, Registered, Specimen, Standing, SuspectPool, ToDrop, ToFile, Work, WorkKind,
    key_of, lab_id, tube_id, tube_key,
};
use super::work::NewWork;
use crate::ids::{LabId, TubeId};
use crate::message::{CardDropped, LoadedPlate, MemberAmended, Message, SampleFiled, SamplesFiled};
use crate::policy::Policy;
use crate::tables::{Read, ReadExt, Record};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// When the oldest closed tubes are looked at, or the oldest cards are dropped; `None` if none wait.
#[must_use]
pub fn next(state: &dyn Read, policy: &Policy) -> Option<Timestamp> {
    let closed = state.first::<ToFile>().map(|((closed_at, _), _)| {
        let retention = policy.retention.length();
        Timestamp(closed_at).plus(retention)
    });
    let filed = state.first::<ToDrop>().map(|((filed_at, _), _)| {
        let retention = policy.retention.card_length();
        Timestamp(filed_at).plus(retention)
    });
    closed.into_iter().chain(filed).min()
}

/// Groups of closed tubes, and of cards, that are due at `now`, `most` at most.
#[must_use]
pub fn due(state: &dyn Read, policy: &Policy, now: Timestamp, most: usize) -> usize {
    let retention = policy.retention;
    let closed = due_of::<ToFile>(state, retention.length(), now, most);
    closed + due_of::<ToDrop>(state, retention.card_length(), now, most - closed)
}

fn due_of<R: Record<Key = (i64, u64)>>(
    state: &dyn Read,
    length: Millis,
    now: Timestamp,
    most: usize,
) -> usize {
    let mut count = 0;
    state.scan::<R>(&(i64::MIN, 0), |(since, _), _| {
        if count >= most || Timestamp(since).plus(length) > now {
            return ControlFlow::Break(());
        }
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

/// Looks at the oldest group, if it is due: the fold removes the first, so neither timer nor event has to name it. If
/// none is, the oldest cards are dropped, if they are due.
pub fn file(draft: &mut Draft<'_>) {
    let state = draft.state();
    let retention = draft.policy.retention.length();
    let due = state
        .first::<ToFile>()
        .filter(|((closed_at, _), _)| Timestamp(*closed_at).plus(retention) <= draft.now);
    let Some((_, row)) = due else {
        return drop_cards(draft);
    };
    let (mut tubes, mut kept) = (Vec::new(), Vec::new());
    for key in row.tubes {
        match fate(state, key, retention, draft.now) {
            Fate::File => tubes.push(tube_id(state, key)),
            Fate::Keep => kept.push(tube_id(state, key)),
            Fate::Elsewhere => {}
        }
    }
    draft.emit(Event::SpecimensFiled {
        tubes: tubes.clone(),
        kept,
    });
    tell(draft, tubes);
}

/// Drops the oldest cards, if their time is up, and tells intake. A row without tubes does not exist.
fn drop_cards(draft: &mut Draft<'_>) {
    let state = draft.state();
    let length = draft.policy.retention.card_length();
    let Some(((filed_at, _), row)) = state.first::<ToDrop>() else {
        return;
    };
    if Timestamp(filed_at).plus(length) > draft.now {
        return;
    }
    let mut tubes = Vec::new();
    let mut told = Vec::new();
    for key in row.tubes {
        if let Some(card) = state.get::<Filed>(&key) {
            let tube = tube_id(state, key);
            tubes.push(tube.clone());
            told.push(CardDropped {
                barcode: card.barcode,
                tube,
            });
        }
    }
    draft.emit(Event::CardsDropped { tubes });
    for message in told {
        let barcode = message.barcode.clone();
        draft.send(Outgoing::Intake(barcode, Message::CardDropped(message)));
    }
}

/// Pooling and intake may file them too: each lab's lane hears of all its tubes at once, each barcode's lane of its own.
/// The same lanes were told by this one that the samples are closed, and hear of this afterwards.
fn tell(draft: &mut Draft<'_>, tubes: Vec<TubeId>) {
    let mut labs: BTreeMap<LabId, Vec<SampleFiled>> = BTreeMap::new();
    for tube in tubes {
        let key = tube_key(draft.state(), &tube);
        let Some(card) = key.and_then(|key| draft.state().get::<Filed>(&key)) else {
            continue;
        };
        let sample = SampleFiled {
            barcode: card.barcode.clone(),
            tube: tube.number,
            version: card.version,
        };
        let own = SamplesFiled {
            lab: tube.lab.clone(),
            samples: vec![sample.clone()],
        };
        draft.send(Outgoing::Intake(card.barcode, Message::SamplesFiled(own)));
        labs.entry(tube.lab).or_default().push(sample);
    }
    for (lab, samples) in labs {
        let group = SamplesFiled {
            lab: lab.clone(),
            samples,
        };
        draft.send(Outgoing::Pooling(lab, Message::SamplesFiled(group)));
    }
}

/// What becomes of a tube whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is filed.
    File,
    /// Something is open for it: it is looked at again.
    Keep,
    /// It was opened since, and waits (or will wait) in another group; or it is filed already.
    Elsewhere,
}

fn fate(state: &dyn Read, key: u64, retention: Millis, now: Timestamp) -> Fate {
    let Some(specimen) = state.get::<Specimen>(&key) else {
        return Fate::Elsewhere;
    };
    let closed_at = specimen
        .closed_at
        .filter(|_| specimen.standing == Standing::Closed);
    if closed_at.is_none_or(|at| at.plus(retention) > now) {
        return Fate::Elsewhere;
    }
    if may_be_filed(state, &specimen) {
        Fate::File
    } else {
        Fate::Keep
    }
}

/// Nothing is open for a closed tube: every receiver has accepted every version that it was sent, no order waits, and
/// the suspect pool that it was in has ended, its alert accepted.
#[must_use]
pub fn may_be_filed(state: &dyn Read, specimen: &Specimen) -> bool {
    let accepted = specimen.sent_to.iter().all(|sent| sent.accepted);
    let waits = |key: &u64| state.get::<Order>(key).is_some_and(|order| order.open());
    let pool = specimen
        .pool
        .and_then(|pool| state.get::<SuspectPool>(&pool));
    accepted
        && !specimen.orders.iter().any(waits)
        && pool.is_none_or(|pool| pool.end.is_some() && pool.alerts.is_empty())
}

/// A registration changed after its sample was filed: a person is told, and so are intake and pooling, which hold it
/// for open again. False if the tube was not filed.
pub(super) fn amended(draft: &mut Draft<'_>, key: u64, message: &MemberAmended) -> bool {
    let Some(filed) = draft.state().get::<Filed>(&key) else {
        return false;
    };
    let version = message
        .sample
        .as_ref()
        .map_or(filed.version, |sample| sample.version);
    if version < filed.version || version == filed.version && message.withdrawn == filed.withdrawn {
        return true;
    }
    let what = if message.withdrawn {
        "was cancelled".to_owned()
    } else {
        format!("was changed to version {version}")
    };
    let detail = format!(
        "its registration {what} after it was filed: its last report, version {} of {}, is not corrected by itself; tell its receivers what changed",
        filed.report, filed.reported_at
    );
    open_work(draft, &filed, detail);
    tell_filed(draft, key, &filed);
    true
}

/// Tubes that were filed stand on a plate again: nothing follows from it, and a person must know.
pub(super) fn loaded_again(draft: &mut Draft<'_>, plate: &LoadedPlate) {
    for well in &plate.wells {
        for member in &well.members {
            let key = tube_key(draft.state(), &member.tube);
            let Some(filed) = key.and_then(|key| draft.state().get::<Filed>(&key)) else {
                continue;
            };
            let detail = format!(
                "it stands in well {} of plate {} after it was filed: nothing follows from this test; register a new sample if it must be tested again",
                well.well, plate.plate
            );
            open_work(draft, &filed, detail);
        }
    }
}

/// Opens a work item about a filed sample, unless the same is open.
fn open_work(draft: &mut Draft<'_>, filed: &Filed, detail: String) {
    let about = filed.barcode.to_string();
    let range = (key_of(filed.lab, 0), key_of(filed.lab.saturating_add(1), 0));
    let mut known = false;
    draft
        .state()
        .scan_range::<Work>(&range.0, &range.1, |_, work| {
            known = work.about == about && work.detail == detail;
            if known {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    if known {
        return;
    }
    let lab = lab_id(draft.state(), filed.lab);
    let item = NewWork {
        kind: WorkKind::AfterFiling,
        about,
        detail,
        delivery: None,
    };
    draft.open_work(&lab, item);
}

/// What a tube was found to be, at hand or filed; `None` while nothing stands.
#[must_use]
pub fn finding_of(state: &dyn Read, key: u64) -> Option<crate::message::FinalResult> {
    match state.get::<Specimen>(&key) {
        Some(specimen) => specimen.finding.filter(|_| specimen.is_final()),
        None => state.get::<Filed>(&key).and_then(|filed| filed.finding),
    }
}

/// The key of a tube by its barcode, at hand or filed.
#[must_use]
pub fn key_of_barcode(state: &dyn Read, barcode: &str) -> Option<u64> {
    state
        .find::<Registered>(barcode)
        .map(|(key, _)| key)
        .or_else(|| state.find::<Filed>(barcode).map(|(key, _)| key))
}
