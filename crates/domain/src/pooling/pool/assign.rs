//! Which pool a tube goes to: the one decision that scan, rack and plan benches share.
//!
//! Problem, model and post-conditions are in the README beside this file.

use crate::ids::{BenchId, LabId};
use crate::policy::Policy;
use crate::sample::{Kind, Sample};
use crate::time::Timestamp;
use crate::turnaround::Deadline;
use serde::{Deserialize, Serialize};

/// Stages (transport, pooling) that must be over when a pool seals.
const STAGES_BEFORE_SEAL: usize = 2;

/// What may share a pool: only tubes that are equal in all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mix {
    /// Person, object, environment.
    pub kind: Kind,
    /// Kind of swab or medium.
    pub specimen_type: String,
    /// The group of classes that mix with each other.
    pub group: String,
    /// STAT is pooled with STAT, so that it waits for nobody.
    pub stat: bool,
}

/// Which rule limits a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LimitBy {
    /// The assay's validation.
    Assay,
    /// A member's class.
    Class,
    /// The risk at a member's site.
    Risk,
}

impl LimitBy {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Assay => "the assay's validation",
            Self::Class => "a member's class",
            Self::Risk => "the risk at a member's site",
        }
    }
}

/// What a tube allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A well of its own.
    Alone {
        /// Why.
        why: String,
    },
    /// A pool of its kind.
    Pool(Candidate),
}

/// A tube that may be pooled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// With what.
    pub mix: Mix,
    /// With how many at most, itself included.
    pub limit: u8,
    /// Which rule says so.
    pub limit_by: LimitBy,
    /// When its pool should be sealed.
    pub seal_by: Timestamp,
}

/// What the decision sees of an open pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPool {
    /// Its key.
    pub key: u64,
    /// What may be in it.
    pub mix: Mix,
    /// Most members.
    pub limit: u8,
    /// Which rule says so.
    pub limit_by: LimitBy,
    /// Slots taken.
    pub slots: Vec<u8>,
    /// It seals as soon as it can: nobody joins.
    pub closing: bool,
}

/// Where a tube goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// An open pool; `None` = a new one.
    pub pool: Option<u64>,
    /// The slot, from 1.
    pub slot: u8,
    /// Most members of the pool from now on.
    pub limit: u8,
    /// Which rule says so.
    pub limit_by: LimitBy,
}

/// What a sample allows, by its kind, class, risk and the bench's assay.
#[must_use]
pub fn wish(
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    sample: &Sample,
    deadline: &Deadline,
) -> Wish {
    if sample.collection_pool {
        return Wish::Alone {
            why: "it is a collection pool: a pool of pools does not exist".to_owned(),
        };
    }
    let rules = &policy.pooling;
    let class = policy.classes.get(&sample.class);
    let limits = [
        (policy.assay_limit(rules.bench(lab, bench)), LimitBy::Assay),
        (class.map_or(1, |class| class.pool), LimitBy::Class),
        (rules.risk_limit(&sample.site), LimitBy::Risk),
    ];
    let (limit, limit_by) = limits
        .into_iter()
        .min_by_key(|(limit, _)| *limit)
        .unwrap_or((1, LimitBy::Assay));
    if limit <= 1 {
        return Wish::Alone {
            why: format!("{} allows 1 to a pool", reason(limit_by, sample)),
        };
    }
    Wish::Pool(Candidate {
        mix: Mix {
            kind: sample.kind,
            specimen_type: sample.specimen_type.clone(),
            group: rules.mixing.get(&sample.class).cloned().unwrap_or_default(),
            stat: class.is_some_and(|class| class.stat),
        },
        limit,
        limit_by,
        seal_by: deadline.at_risk_after(policy, STAGES_BEFORE_SEAL),
    })
}

fn reason(by: LimitBy, sample: &Sample) -> String {
    match by {
        LimitBy::Assay => "the assay's validation".to_owned(),
        LimitBy::Class => format!("class {:?}", sample.class),
        LimitBy::Risk => format!("the risk at site {:?}", sample.site),
    }
}

/// Chooses a seat: of the open pools that may take the tube, the one that is then nearest to full (of
/// two, the older); else a new pool.
#[must_use]
pub fn seat(pools: &[OpenPool], tube: &Candidate) -> Seat {
    let best = pools
        .iter()
        .filter(|pool| !pool.closing && pool.mix == tube.mix)
        .filter_map(|pool| {
            let limit = pool.limit.min(tube.limit);
            let members = u8::try_from(pool.slots.len()).ok()?.checked_add(1)?;
            let free = limit.checked_sub(members)?;
            Some((free, pool.key, limit, pool))
        })
        .min_by_key(|(free, key, ..)| (*free, *key));
    match best {
        Some((_, key, limit, pool)) => Seat {
            pool: Some(key),
            slot: free_slot(&pool.slots),
            limit,
            limit_by: if pool.limit <= tube.limit {
                pool.limit_by
            } else {
                tube.limit_by
            },
        },
        None => Seat {
            pool: None,
            slot: 1,
            limit: tube.limit,
            limit_by: tube.limit_by,
        },
    }
}

fn free_slot(taken: &[u8]) -> u8 {
    (1..=u8::MAX)
        .find(|slot| !taken.contains(slot))
        .unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(group: u8, limit: u8) -> Candidate {
        Candidate {
            mix: Mix {
                group: group.to_string(),
                ..Mix::default()
            },
            limit,
            limit_by: LimitBy::Class,
            seal_by: Timestamp(0),
        }
    }

    /// Seats all tubes one after the other, as the three modes do.
    fn seat_all(tubes: &[Candidate]) -> Vec<(OpenPool, Vec<Candidate>)> {
        let mut pools: Vec<(OpenPool, Vec<Candidate>)> = Vec::new();
        for tube in tubes {
            let open: Vec<OpenPool> = pools.iter().map(|(pool, _)| pool.clone()).collect();
            let seat = seat(&open, tube);
            let key = seat.pool.unwrap_or_else(|| {
                pools.push((
                    OpenPool {
                        key: pools.len() as u64,
                        mix: tube.mix.clone(),
                        limit: seat.limit,
                        limit_by: seat.limit_by,
                        slots: Vec::new(),
                        closing: false,
                    },
                    Vec::new(),
                ));
                pools.len() as u64 - 1
            });
            let (pool, members) = &mut pools[key as usize];
            pool.limit = seat.limit;
            pool.slots.push(seat.slot);
            members.push(tube.clone());
        }
        pools
    }

    #[test]
    fn a_tube_joins_the_pool_that_is_nearest_to_full() {
        let pool = |key, slots: &[u8]| OpenPool {
            key,
            mix: candidate(0, 5).mix,
            limit: 5,
            limit_by: LimitBy::Assay,
            slots: slots.to_vec(),
            closing: false,
        };
        let seat = seat(
            &[
                pool(1, &[1]),
                pool(2, &[1, 3, 4]),
                pool(3, &[1, 2, 3, 4, 5]),
            ],
            &candidate(0, 10),
        );
        assert_eq!((seat.pool, seat.slot, seat.limit), (Some(2), 2, 5));
        assert_eq!(seat.limit_by, LimitBy::Assay);
    }

    #[test]
    fn a_tube_with_a_lower_limit_lowers_the_pools() {
        let pools = seat_all(&[candidate(0, 10), candidate(0, 10), candidate(0, 3)]);
        assert_eq!(pools.len(), 1);
        assert_eq!(pools[0].0.limit, 3);
        let pools = seat_all(&[candidate(0, 10), candidate(0, 10), candidate(0, 2)]);
        assert_eq!(
            pools.len(),
            2,
            "two are in: a tube that allows two opens another"
        );
    }

    #[test]
    fn nobody_joins_a_pool_that_is_about_to_seal() {
        let pool = OpenPool {
            key: 1,
            mix: candidate(0, 5).mix,
            limit: 5,
            limit_by: LimitBy::Assay,
            slots: vec![1],
            closing: true,
        };
        assert_eq!(seat(&[pool], &candidate(0, 5)).pool, None);
    }

    proptest! {
        #[test]
        fn every_tube_has_one_seat_and_no_rule_is_broken(
            tubes in prop::collection::vec((0u8..3, 2u8..12), 0..60)
        ) {
            let tubes: Vec<Candidate> = tubes.into_iter().map(|(g, l)| candidate(g, l)).collect();
            let pools = seat_all(&tubes);
            prop_assert_eq!(pools.iter().map(|(_, m)| m.len()).sum::<usize>(), tubes.len());
            for (pool, members) in &pools {
                prop_assert!(members.iter().all(|m| m.mix == pool.mix), "mixed");
                prop_assert!(members.iter().all(|m| members.len() <= usize::from(m.limit)), "too many");
                let mut slots = pool.slots.clone();
                slots.sort_unstable();
                slots.dedup();
                prop_assert_eq!(slots.len(), members.len(), "two in one slot");
            }
        }

        #[test]
        fn tubes_of_one_sort_fill_every_pool_but_the_last(count in 0usize..80, limit in 2u8..12) {
            let tubes = vec![candidate(0, limit); count];
            prop_assert_eq!(seat_all(&tubes).len(), count.div_ceil(usize::from(limit)));
        }
    }
}
