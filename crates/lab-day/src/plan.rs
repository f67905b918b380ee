//! The tubes of a day, and the truth about them.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tenfold_proto::v1::{Kind, Registration, Verdict};

/// Tubes in a rack.
pub const RACK: usize = 96;

/// Persons in a collection tube.
const PERSONS: usize = 10;

/// Minutes since collection when the day begins.
const COLLECTED_MINUTES: i64 = 20;

/// What is in a tube.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth {
    /// Nothing to find.
    Negative,
    /// Virus: Ct of both targets when the tube is tested alone.
    Virus(f64),
    /// Nothing to find, and its first extraction fails: no internal control either.
    Inhibited,
}

/// What happens to a tube on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// It comes in a rack, and the robot pools it.
    Racked,
    /// It comes alone, and is scanned at a bench.
    Scanned,
    /// It comes before its registration.
    RegisteredLate,
    /// Its label cannot be read when the rack is scanned; somebody puts a new one on.
    Unreadable,
    /// The robot's tip clogs: its transfer fails, and it is scanned at a bench afterwards.
    Clogged,
    /// It is cancelled before anybody saw the tube; the tube never comes.
    CancelledBefore,
    /// It is cancelled after it was pooled: tested, and never reported.
    CancelledAfter,
}

/// One tube.
#[derive(Clone, Debug)]
pub struct Tube {
    /// What its site states.
    pub registration: Registration,
    /// Its lab.
    pub lab: String,
    /// What is in it.
    pub truth: Truth,
    /// Of a collection tube: the person who has it.
    pub carrier: Option<String>,
    /// What happens to it.
    pub story: Story,
}

impl Tube {
    /// What must be reported of it in the end; `None` = nothing, ever.
    #[must_use]
    pub fn expected(&self) -> Option<Verdict> {
        match (self.story, self.truth) {
            (Story::CancelledBefore | Story::CancelledAfter, _) => None,
            (_, Truth::Negative | Truth::Inhibited) => Some(Verdict::Negative),
            (_, Truth::Virus(_)) if self.registration.collection_pool => Some(Verdict::Recollect),
            (_, Truth::Virus(ct)) if ct >= GREY => Some(Verdict::Inconclusive),
            (_, Truth::Virus(_)) => Some(Verdict::Positive),
        }
    }

    /// Its barcode.
    #[must_use]
    pub fn barcode(&self) -> &str {
        &self.registration.barcode
    }
}

/// From this Ct on the default kit calls a single tube grey: repeated, then inconclusive.
const GREY: f64 = 37.0;

/// A day.
#[derive(Clone, Debug)]
pub struct Day {
    /// Name of the day: barcodes begin with it, so that days do not meet.
    pub name: String,
    /// Its labs.
    pub labs: Vec<String>,
    /// Labs that the day's policy names besides, where others work.
    pub other_labs: Vec<String>,
    /// Pause after every rack, at each lab: how fast its people are.
    pub pace: Duration,
    /// How long the policy keeps a final sample at hand; `None` = as the default policy says.
    pub retention: Option<Duration>,
    /// How long the policy keeps the card of a filed sample; `None` = as the default policy says.
    pub cards: Option<Duration>,
    /// All tubes; those of a lab one after another.
    pub tubes: Vec<Tube>,
}

/// A kind of sampling, and its share of the day in percent.
struct Share {
    percent: usize,
    site: &'static str,
    class: &'static str,
    kind: Kind,
    specimen: &'static str,
    persons: usize,
    /// Of a thousand tubes: strong, weak (a pool of ten shows it grey), inconclusive, inhibited.
    strong: usize,
    weak: usize,
    grey: usize,
    inhibited: usize,
}

const SHARES: &[Share] = &[
    share(
        74,
        "street",
        "routine",
        Kind::Person,
        "np-swab",
        [4, 2, 0, 1],
    ),
    share(6, "ward", "patient", Kind::Person, "np-swab", [10, 0, 0, 5]),
    share(
        10,
        "market",
        "object",
        Kind::Object,
        "surface-swab",
        [3, 0, 0, 0],
    ),
    share(
        6,
        "fever",
        "fever-clinic",
        Kind::Person,
        "np-swab",
        [60, 10, 20, 20],
    ),
    Share {
        persons: PERSONS,
        ..share(
            4,
            "school",
            "regional-round",
            Kind::Person,
            "op-swab",
            [20, 0, 0, 5],
        )
    },
];

const fn share(
    percent: usize,
    site: &'static str,
    class: &'static str,
    kind: Kind,
    specimen: &'static str,
    [strong, weak, grey, inhibited]: [usize; 4],
) -> Share {
    Share {
        percent,
        site,
        class,
        kind,
        specimen,
        persons: 1,
        strong,
        weak,
        grey,
        inhibited,
    }
}

impl Day {
    /// A day of about so many tubes at so many labs; the same name and size give the same day.
    #[must_use]
    pub fn new(name: &str, tubes: usize, labs: usize) -> Self {
        let labs = (1..=labs).map(|number| format!("lab-{number}")).collect();
        Self::at(name, tubes, labs)
    }

    /// A day of about so many tubes at these labs.
    #[must_use]
    pub fn at(name: &str, tubes: usize, labs: Vec<String>) -> Self {
        let mut chance = StdRng::seed_from_u64(tubes as u64);
        let collected = now_ms() - COLLECTED_MINUTES * 60_000;
        let mut day = Self {
            name: name.to_owned(),
            labs: labs.clone(),
            other_labs: Vec::new(),
            pace: Duration::ZERO,
            retention: None,
            cards: None,
            tubes: Vec::with_capacity(tubes),
        };
        for (nth, lab) in labs.iter().enumerate() {
            for share in SHARES {
                let count = tubes * share.percent / 100 / labs.len();
                for number in nth * count..(nth + 1) * count {
                    let tube = day.tube(&mut chance, lab, share, number, collected);
                    day.tubes.push(tube);
                }
            }
        }
        day
    }

    fn tube(
        &self,
        chance: &mut StdRng,
        lab: &str,
        share: &Share,
        number: usize,
        collected: i64,
    ) -> Tube {
        let at = self.tubes.len();
        let truth = share.truth(chance, number);
        let subjects: Vec<String> = (0..share.persons)
            .filter(|_| share.kind == Kind::Person)
            .map(|person| format!("{}-{at}-{person}", self.name.to_lowercase()))
            .collect();
        let carrier = matches!(truth, Truth::Virus(_))
            .then(|| subjects.get(at % share.persons).cloned())
            .flatten();
        let pool = share.persons > 1;
        Tube {
            registration: Registration {
                barcode: format!("{}{at:07}", self.name),
                version: 1,
                site: format!("{lab}-{}", share.site),
                kind: share.kind.into(),
                specimen_type: share.specimen.to_owned(),
                sampling_class: share.class.to_owned(),
                subjects,
                collection_pool: pool,
                observed_swabs: pool.then_some(u32::try_from(share.persons).unwrap_or(u32::MAX)),
                collected_at: Some(collected),
                ..Registration::default()
            },
            lab: lab.to_owned(),
            truth,
            carrier,
            story: story(at),
        }
    }

    /// The tubes of a lab.
    pub fn of_lab<'a>(&'a self, lab: &'a str) -> impl Iterator<Item = &'a Tube> {
        self.tubes.iter().filter(move |tube| tube.lab == lab)
    }

    /// The default policy, with this day's labs, sites, and a robot in each lab.
    #[must_use]
    pub fn policy(&self) -> String {
        let mut text = tenfold_domain::policy::Policy::default_text().to_owned();
        if let Some(retention) = self.retention {
            let days = retention.as_secs_f64() / 86_400.0;
            text = text.replace("final_days = 14.0", &format!("final_days = {days}"));
        }
        if let Some(cards) = self.cards {
            let days = cards.as_secs_f64() / 86_400.0;
            text = text.replace("card_days = 400.0", &format!("card_days = {days}"));
        }
        // In order, so that days that share their labs share their policy.
        let labs: BTreeSet<&String> = self.labs.iter().chain(&self.other_labs).collect();
        for lab in labs {
            if lab != "lab-1" {
                text += &format!("\n[labs.{lab}]\nname = \"{lab}\"\nzone = \"Asia/Shanghai\"\n");
            }
            for share in SHARES {
                let site = share.site;
                text += &format!(
                    "\n[sites.{lab}-{site}]\nname = \"{site} of {lab}\"\nlab = \"{lab}\"\narea = \"{lab}\"\n"
                );
            }
            text += &format!(
                "\n[pooling.benches.\"{lab}/robot\"]\nmode = \"rack\"\nassay = \"default-cn\"\n"
            );
        }
        text
    }
}

impl Share {
    /// What is in the n-th tube: the known numbers of a thousand, spread evenly, strengths by chance.
    fn truth(&self, chance: &mut StdRng, number: usize) -> Truth {
        // 617 and 1000 have no common factor: every thousand tubes meet every place once.
        let place = (number * 617 + 11) % 1_000;
        let bounds = [self.strong, self.weak, self.grey, self.inhibited];
        let mut upto = 0;
        let hit = bounds.iter().position(|count| {
            upto += count;
            place < upto
        });
        // However small the day is, each truth is in it once.
        let first = bounds.get(number).is_some_and(|count| *count > 0);
        let hit = if first { Some(number) } else { hit };
        match hit {
            Some(0) => Truth::Virus(chance.random_range(18.0..29.0)),
            Some(1) => Truth::Virus(chance.random_range(34.2..35.4)),
            Some(2) => Truth::Virus(chance.random_range(38.0..39.0)),
            Some(3) => Truth::Inhibited,
            _ => Truth::Negative,
        }
    }
}

/// What happens to a tube: most come in a rack; the rest is spread over the whole day.
fn story(at: usize) -> Story {
    match at % 100 {
        7 | 27 | 47 | 67 | 87 => Story::Scanned,
        13 => Story::RegisteredLate,
        29 => Story::Unreadable,
        41 => Story::Clogged,
        59 if at % 300 == 59 => Story::CancelledBefore,
        59 if at % 300 == 159 => Story::CancelledAfter,
        _ => Story::Racked,
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_day_has_every_truth_and_every_story_and_no_barcode_twice() {
        let day = Day::new("T", 1_000, 2);
        let barcodes: BTreeSet<&str> = day.tubes.iter().map(Tube::barcode).collect();
        assert_eq!(barcodes.len(), day.tubes.len());
        for wanted in [
            Some(Verdict::Negative),
            Some(Verdict::Positive),
            Some(Verdict::Inconclusive),
            Some(Verdict::Recollect),
            None,
        ] {
            let found = day.tubes.iter().any(|tube| tube.expected() == wanted);
            assert!(found, "no tube ends as {wanted:?}");
        }
        for wanted in [
            Story::Scanned,
            Story::RegisteredLate,
            Story::Unreadable,
            Story::Clogged,
            Story::CancelledBefore,
            Story::CancelledAfter,
        ] {
            let found = day.tubes.iter().any(|tube| tube.story == wanted);
            assert!(found, "no tube is {wanted:?}");
        }
    }

    #[test]
    fn the_policy_of_a_day_is_right() {
        let problems = tenfold_domain::policy::Policy::parse(&Day::new("T", 100, 4).policy()).err();
        assert_eq!(problems, None);
    }
}
