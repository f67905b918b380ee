//! Pools: a tube is in one a round, a slot holds one tube, what is sealed is whole, and nothing is mixed
//! that must not be.

use super::{Pooling, change};
use crate::about::name;
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{PoolKey, TubeKey, lab_of, number_of};
use crate::ledger::tubes::{Stage, Vessel};
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::{PoolingLabelsReserved, PoolingMemberPlanned};

/// A tube in a pool.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The tube.
    pub tube: TubeKey,
    slot: u32,
    /// Its liquid is recorded to be in the pool.
    pub transferred: bool,
    /// It goes with the pool: it was not closed or tested again since.
    pub with_it: bool,
}

/// A pool.
#[derive(Debug)]
pub struct Pool {
    kind: i32,
    specimen: u64,
    group: u64,
    limit: u32,
    /// Its tubes.
    pub members: Vec<Member>,
    /// Its liquid, once it is sealed.
    pub vessel: Option<Vessel>,
    held: bool,
    opened: u64,
}

impl Pooling {
    /// The number that the next pool of a bench must have: of its roll of labels, or the lab's next one.
    fn next_pool(&mut self, lab: u64, bench: u64) -> u64 {
        if let Some(rolls) = self.reserved_pools.get_mut(&(lab, bench))
            && let Some((next, last)) = rolls.front_mut()
        {
            let number = *next;
            *next = next.saturating_add(1);
            if *next > *last {
                rolls.pop_front();
            }
            return number;
        }
        let newest = self.newest_pool.entry(lab).or_default();
        *newest = newest.saturating_add(1);
        *newest
    }

    /// A batch of labels: its numbers begin behind all that were given before.
    fn reserved(&mut self, book: &mut Book<'_>, event: &PoolingLabelsReserved) {
        let Some(first) = book.labs.pool(&format!("{}/P{}", event.lab, event.first)) else {
            return;
        };
        let newest = self.newest_pool.entry(lab_of(first)).or_default();
        let new = event.first == newest.saturating_add(1) && event.last >= event.first;
        *newest = event.last.max(*newest);
        book.check(new, Rule::Inv02, |_| {
            format!(
                "pool labels {}/P{} to P{}: their numbers were given before, or some were left out",
                event.lab, event.first, event.last
            )
        });
        self.reserved_pools
            .entry((lab_of(first), name(&event.bench)))
            .or_default()
            .push_back((event.first, event.last));
    }

    /// Takes an event about a pool; false if it is about something else.
    pub(super) fn pool_event(&mut self, book: &mut Book<'_>, what: &What) -> bool {
        match what {
            What::PoolOpened(event) => {
                let Some(key) = book.labs.pool(&event.pool) else {
                    return true;
                };
                let next = self.next_pool(lab_of(key), name(&event.bench)) == number_of(key);
                book.check(next, Rule::Inv02, |_| {
                    format!(
                        "pool {}: its number was used before, or one was left out",
                        event.pool
                    )
                });
                let mix = event.mix.clone().unwrap_or_default();
                let pool = Pool {
                    kind: mix.kind,
                    specimen: name(&mix.specimen_type),
                    group: name(&mix.group),
                    limit: u32::MAX,
                    members: Vec::new(),
                    vessel: None,
                    held: false,
                    opened: book.offset(),
                };
                self.pools.insert(key, pool);
            }
            What::PoolLabelsReserved(event) => self.reserved(book, event),
            What::PlateLabelsReserved(event) => {
                let last = self.reserved_plates.entry(name(&event.lab)).or_default();
                let new = event.first > *last && event.last >= event.first;
                *last = event.last.max(*last);
                book.check(new, Rule::Inv02, |_| {
                    format!("plate labels from {} were reserved before", event.first)
                });
            }
            What::MemberPlanned(event) => self.planned(book, event),
            What::MemberTransferred(event) => {
                let tube = book.labs.tube(&event.tube);
                self.in_pool(book, &event.pool, |pool| {
                    let open = pool.vessel.is_none();
                    let member = pool.members.iter_mut().find(|m| Some(m.tube) == tube);
                    let new = member.is_some_and(|m| !std::mem::replace(&mut m.transferred, true));
                    open && new
                });
            }
            What::MemberLeft(event) => {
                let tube = book.labs.tube(&event.tube);
                self.in_pool(book, &event.pool, |pool| {
                    let before = pool.members.len();
                    pool.members.retain(|m| Some(m.tube) != tube);
                    pool.vessel.is_none() && pool.members.len() < before
                });
                if let Some(key) = tube {
                    change(book, key, |tube| tube.stage = Stage::Waiting);
                }
            }
            What::PoolSealed(event) => {
                self.sealed = self.sealed.saturating_add(1);
                self.in_pool(book, &event.pool, |pool| {
                    let open = pool.vessel.replace(Vessel::Ready).is_none();
                    open && !pool.members.is_empty() && pool.members.iter().all(|m| m.transferred)
                });
            }
            What::PoolVoided(event) => self.void(book, &event.pool),
            What::PoolHeld(event) => self.in_pool(book, &event.pool, |pool| {
                pool.held = true;
                true
            }),
            What::PoolReleased(event) => self.in_pool(book, &event.pool, |pool| {
                pool.held = false;
                true
            }),
            What::TubeAlone(event) => self.alone(book, &event.tube, Stage::Alone(Vessel::Ready)),
            What::AloneUndone(event) => self.alone(book, &event.tube, Stage::Waiting),
            _ => return false,
        }
        true
    }

    /// Changes a pool; `how` answers whether it may be changed so.
    fn in_pool(&mut self, book: &mut Book<'_>, id: &str, how: impl FnOnce(&mut Pool) -> bool) {
        let pool = book.labs.pool(id).and_then(|key| self.pools.get_mut(&key));
        let Some(pool) = pool else {
            return book.wrong(Rule::Inv02, format!("pool {id} is not there"));
        };
        let (opened, fits) = (pool.opened, how(pool));
        if !fits {
            let text = format!(
                "pool {id} cannot change so: it is {}, its members are {:?}",
                if pool.vessel.is_some() {
                    "sealed"
                } else {
                    "open"
                },
                pool.members
                    .iter()
                    .map(|m| (number_of(m.tube), m.slot, m.transferred))
                    .collect::<Vec<_>>()
            );
            book.wrong_since(Rule::Inv02, opened, text);
        }
    }

    fn planned(&mut self, book: &mut Book<'_>, event: &PoolingMemberPlanned) {
        let (Some(key), Some(tube)) = (book.labs.pool(&event.pool), self.tube(book, &event.tube))
        else {
            return;
        };
        let Some(row) = book.tubes.get(tube) else {
            return;
        };
        let (before, sample, received) = (row.stage, row.sample, row.received);
        row.stage = Stage::Pooled(key);
        if before != Stage::Waiting {
            let text = format!(
                "tube {} is planned for pool {}, and is {before:?}",
                event.tube, event.pool
            );
            book.wrong_since(Rule::Inv02, received, text);
        }
        let Some(pool) = self.pools.get_mut(&key) else {
            return book.wrong(Rule::Inv02, format!("pool {} is not there", event.pool));
        };
        let (slot, opened) = (event.slot, pool.opened);
        let taken = pool.members.iter().any(|m| m.slot == slot);
        pool.members.push(Member {
            tube,
            slot,
            transferred: false,
            with_it: true,
        });
        pool.limit = event.limit;
        let count = pool.members.len() as u64;
        let open = pool.vessel.is_none();
        let mixes = sample.is_some_and(|sample| {
            !sample.collection
                && sample.kind == pool.kind
                && sample.specimen == pool.specimen
                && sample.group == pool.group
        });
        if taken || !open || count > u64::from(event.limit) {
            let text = format!(
                "pool {} takes tube {} into slot {slot} as its member {count} of at most {}, {}",
                event.pool,
                event.tube,
                event.limit,
                match (open, taken) {
                    (false, _) => "and is sealed",
                    (_, true) => "and the slot is taken",
                    _ => "and that is too many",
                }
            );
            book.wrong_since(Rule::Inv02, opened, text);
        }
        if !mixes {
            let text = format!(
                "tube {} must not be mixed in pool {}: {}",
                event.tube,
                event.pool,
                match sample {
                    None => "its registration is not known",
                    Some(sample) if sample.collection => "a pool of pools does not exist",
                    Some(_) => "kind, specimen type or group of its class is another",
                }
            );
            book.wrong_since(Rule::Inv03, opened, text);
        }
    }

    fn alone(&mut self, book: &mut Book<'_>, id: &str, to: Stage) {
        let Some(key) = self.tube(book, id) else {
            return;
        };
        let Some(tube) = book.tubes.get(key) else {
            return;
        };
        let before = std::mem::replace(&mut tube.stage, to);
        let (fits, received) = match to {
            Stage::Waiting => (before == Stage::Alone(Vessel::Ready), tube.received),
            _ => (before == Stage::Waiting, tube.received),
        };
        if !fits {
            let text = format!("tube {id} becomes {to:?}, and was {before:?}");
            book.wrong_since(Rule::Inv02, received, text);
        }
    }

    fn void(&mut self, book: &mut Book<'_>, id: &str) {
        let Some(key) = book.labs.pool(id) else {
            return;
        };
        let Some(pool) = self.pools.remove(&key) else {
            return book.wrong(
                Rule::Inv02,
                format!("pool {id} is voided, and is not there"),
            );
        };
        self.voided = self.voided.saturating_add(1);
        for member in pool.members {
            let Some(tube) = book.tubes.get(member.tube) else {
                continue;
            };
            if tube.stage != Stage::Pooled(key) {
                continue;
            }
            if tube.withdrawn {
                tube.stage = Stage::Withdrawn;
            } else {
                tube.stage = Stage::Waiting;
                tube.round = tube.round.saturating_add(u32::from(member.transferred));
            }
        }
    }

    /// A tube goes its own way; a pool that nobody goes with any more is forgotten.
    pub(super) fn part(&mut self, key: PoolKey, tube: TubeKey) {
        let Some(pool) = self.pools.get_mut(&key) else {
            return;
        };
        for member in pool.members.iter_mut().filter(|m| m.tube == tube) {
            member.with_it = false;
        }
        let loaded = matches!(pool.vessel, Some(Vessel::In(_, _, true)));
        if loaded && pool.members.iter().all(|m| !m.with_it) {
            self.pools.remove(&key);
        }
    }

    /// At the cut: members and tubes say the same.
    pub(in crate::ledger) fn pools_agree(
        &self,
        stages: &std::collections::HashMap<TubeKey, Stage>,
    ) -> Vec<(PoolKey, TubeKey)> {
        let mut wrong = Vec::new();
        for (key, pool) in &self.pools {
            for member in pool.members.iter().filter(|m| m.with_it) {
                if stages.get(&member.tube) != Some(&Stage::Pooled(*key)) {
                    wrong.push((*key, member.tube));
                }
            }
        }
        wrong
    }
}
