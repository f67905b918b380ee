//! Orders and suspect pools: who waits for a test of his own has one open order for it, and a pool that
//! was suspect ends by its members' own results.

use super::{Results, keys};
use crate::calls::is_suspect;
use crate::finding::Rule;
use crate::hashes::hash64;
use crate::ledger::book::Book;
use crate::ledger::ids::{COLLECTION, TubeKey, well};
use tenfold_proto::v1::{
    OrdersPlaced, PoolSuspected, ResultsOrderKind, RetestReason, SuspectPoolClosed, SuspectPoolEnd,
    Verdict,
};

/// An open order.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    tube: TubeKey,
    recollection: bool,
    placed: u64,
}

/// A pool that was suspect.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Its tubes.
    pub members: Vec<TubeKey>,
    since: u64,
}

/// A key as a hash: the keys of one lab follow one another.
fn spread(key: u64) -> u64 {
    hash64(&[&key.to_le_bytes()])
}

impl Results {
    pub(super) fn suspected(&mut self, book: &mut Book<'_>, event: &PoolSuspected) {
        let Some(key) = book.labs.pool_or_tube(&event.pool) else {
            return;
        };
        let members = keys(book, &event.members);
        let plate_key = super::numbered(book, event.plate.as_ref());
        let plate = plate_key
            .and_then(|key| self.numbers.get(&key))
            .and_then(|number| self.plates.get(number));
        let at = well(&event.well);
        let holds = plate.is_some_and(|plate| {
            plate.in_control
                && plate.well(at).is_some_and(|well| {
                    let pool = well.pool.unwrap_or(key);
                    let there: Vec<TubeKey> = plate.tubes(well).collect();
                    let in_it = members.iter().all(|m| there.contains(m));
                    pool == key && well.call == event.call() && in_it
                })
        });
        book.check(holds && is_suspect(event.call()), Rule::Result, |_| {
            format!(
                "pool {} is called suspect, and its well {} does not say so",
                event.pool, event.well
            )
        });
        if let Some((_, policy)) = book.policies.active() {
            let due = policy.alert_due(book.at());
            book.check(event.alert_due == due, Rule::Inv09, |_| {
                format!(
                    "the alert of pool {} is due at {}, not {due}",
                    event.pool, event.alert_due
                )
            });
        }
        for member in &members {
            if let Some(tube) = self.tube(book, *member) {
                tube.results.suspect = Some(key);
                tube.results.finding = None;
            }
        }
        let suspect = Suspect {
            members,
            since: book.offset(),
        };
        if let Some(before) = self.suspects.insert(key, suspect) {
            let text = format!("pool {} is called suspect a second time", event.pool);
            book.wrong_since(Rule::Inv07, before.since, text);
        }
        let closed = self.suspects_ended.has(spread(key));
        book.check(!closed, Rule::Inv07, |_| {
            format!(
                "pool {} is called suspect, and was so and is closed",
                event.pool
            )
        });
    }

    pub(super) fn pool_closed(&mut self, book: &mut Book<'_>, event: &SuspectPoolClosed) {
        let Some(key) = book.labs.pool_or_tube(&event.pool) else {
            return;
        };
        let Some(suspect) = self.suspects.remove(&key) else {
            let text = format!("pool {} is closed, and was not suspect", event.pool);
            return book.wrong(Rule::Inv07, text);
        };
        let mut right = self.suspects_ended.insert(spread(key));
        let (members, since) = (suspect.members, suspect.since);
        if key & COLLECTION == 0 {
            let found: Vec<Option<Verdict>> = members
                .iter()
                .map(|m| {
                    self.touched.insert(*m);
                    let cold = book.tubes.is_cold(*m);
                    let report = book.tubes.report(*m).map(|(_, verdict, _)| verdict);
                    if cold {
                        report
                    } else {
                        book.tubes.get(*m).and_then(|tube| tube.results.finding)
                    }
                })
                .collect();
            let all = |is: Verdict| found.iter().all(|f| *f == Some(is));
            let end = if found.contains(&Some(Verdict::Positive)) {
                SuspectPoolEnd::Confirmed
            } else if all(Verdict::Negative) {
                SuspectPoolEnd::Unconfirmed
            } else {
                SuspectPoolEnd::Unresolved
            };
            right &= found.iter().all(Option::is_some) && end == event.end();
        }
        if !right {
            let text = format!(
                "pool {} is closed as {:?}, and its members' results do not say so",
                event.pool,
                event.end()
            );
            book.wrong_since(Rule::Inv07, since, text);
        }
    }

    pub(super) fn placed(&mut self, book: &mut Book<'_>, event: &OrdersPlaced) {
        let due = book
            .policies
            .active()
            .map(|(_, policy)| policy.retest_due(book.at()));
        for placed in &event.orders {
            let number = book.labs.key(&event.lab, placed.number);
            let Some(key) = book.labs.tube(&placed.tube) else {
                continue;
            };
            let recollection = placed.kind() == ResultsOrderKind::Recollection;
            let order = Order {
                tube: key,
                recollection,
                placed: book.offset(),
            };
            if let Some(before) = self.orders.insert(number, order) {
                let text = format!(
                    "order {} of lab {} is placed twice",
                    placed.number, event.lab
                );
                book.wrong_since(Rule::Inv07, before.placed, text);
            }
            if let Some(due) = due {
                book.check(placed.due == due, Rule::Inv09, |_| {
                    format!(
                        "an order of {} is due at {}, not {due}",
                        placed.tube, placed.due
                    )
                });
            }
            let Some(tube) = self.tube(book, key) else {
                continue;
            };
            let results = &mut tube.results;
            match placed.reason() {
                _ if recollection => {
                    results.recollections = results.recollections.saturating_add(1);
                }
                RetestReason::Inconclusive => {
                    results.inconclusive = results.inconclusive.saturating_add(1);
                }
                RetestReason::Invalid | RetestReason::PoolInvalid => {
                    results.invalid = results.invalid.saturating_add(1);
                    self.invalid.insert(key);
                }
                _ => {}
            }
            if !recollection {
                results.orders.push(number);
            }
        }
    }

    pub(super) fn ended(&mut self, book: &mut Book<'_>, id: &str) {
        let number = book.labs.order(id);
        let order = number.and_then(|number| self.orders.remove(&number));
        let Some(order) = order else {
            return book.wrong(Rule::Inv07, format!("order {id} ends, and is not open"));
        };
        if let Some(tube) = self.tube(book, order.tube) {
            tube.results.orders.retain(|open| Some(*open) != number);
        }
    }

    pub(super) fn recollected(&mut self, book: &mut Book<'_>, id: &str) {
        let number = book.labs.order(id);
        let order = number.and_then(|number| self.orders.remove(&number));
        book.check(order.is_some_and(|o| o.recollection), Rule::Inv07, |_| {
            format!("re-collection {id} is carried out, and is not open")
        });
    }

    /// It may be told before the new sample is; then the order is carried out by this.
    pub(super) fn recollection_found(&mut self, book: &mut Book<'_>, id: &str) {
        let number = book.labs.order(id);
        let order = number.and_then(|number| self.orders.remove(&number));
        book.check(order.is_none_or(|o| o.recollection), Rule::Inv07, |_| {
            format!("order {id} has a re-collection's result, and is none")
        });
    }

    /// INV-07, at the end of a batch, of one tube.
    pub(super) fn orders_fit(&mut self, book: &mut Book<'_>, key: TubeKey) {
        if book.tubes.is_cold(key) {
            return;
        }
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let results = &tube.results;
        let (open, is_final) = (results.orders.len(), results.is_final());
        let waits = results.suspect.is_some() && !is_final && !tube.thawed;
        let untested = results
            .tests
            .last()
            .and_then(|test| self.plates.get(&test.plate))
            .is_some_and(|plate| plate.current.is_some() && plate.in_control);
        let fits = match (is_final, waits && untested) {
            (true, _) => open == 0,
            (false, true) => open == 1,
            (false, false) => open <= 1,
        };
        book.check(fits, Rule::Inv07, |labs| {
            format!(
                "tube {} {} and has {open} open orders",
                labs.tube_id(key),
                if is_final {
                    "has its result"
                } else {
                    "waits for a test of its own"
                }
            )
        });
    }
}
