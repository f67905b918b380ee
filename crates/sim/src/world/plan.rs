//! The tubes of a short day, and the truth about them.

use crate::shared::{Micros, SECOND};
use rand::Rng;
use rand::rngs::StdRng;
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1::{Kind, Registration, Verdict};

/// From this Ct on the default kit calls a single tube grey: repeated, then inconclusive.
const GREY: f64 = 37.0;

/// Persons in a collection tube.
const PERSONS: usize = 5;

/// A tube as it is planned.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What its site will state first.
    pub registration: Registration,
    /// Its lab.
    pub lab: String,
    /// What is in it.
    pub truth: Truth,
    /// Of a collection tube: who has it.
    pub carrier: Option<String>,
    /// When it is registered.
    pub registered_at: Micros,
    /// When it comes to the lab.
    pub arrives_at: Micros,
}

/// A day.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its labs.
    pub labs: Vec<String>,
    /// Its tubes.
    pub tubes: Vec<Planned>,
    /// Minutes an open pool waits.
    pub linger: u32,
    /// Seconds for which final samples stay at hand; the policy's own days if none are given.
    pub retention: Option<u32>,
    /// Seconds for which the cards of filed samples stay after that; the policy's own days if none are given.
    pub cards: Option<u32>,
}

/// What must be reported of a tube in the end.
#[must_use]
pub fn expected(truth: Truth, collection_pool: bool) -> Verdict {
    match truth {
        Truth::Negative | Truth::Inhibited => Verdict::Negative,
        Truth::Virus(_) if collection_pool => Verdict::Recollect,
        Truth::Virus(ct) if ct >= GREY => Verdict::Inconclusive,
        Truth::Virus(_) => Verdict::Positive,
    }
}

struct Share {
    weight: u32,
    site: &'static str,
    class: &'static str,
    kind: Kind,
    specimen: &'static str,
    persons: usize,
}

const SHARES: [Share; 5] = [
    share(60, "street", "routine", Kind::Person, "np-swab", 1),
    share(10, "ward", "patient", Kind::Person, "np-swab", 1),
    share(10, "market", "object", Kind::Object, "surface-swab", 1),
    share(12, "fever", "fever-clinic", Kind::Person, "np-swab", 1),
    share(
        8,
        "school",
        "regional-round",
        Kind::Person,
        "op-swab",
        PERSONS,
    ),
];

const fn share(
    weight: u32,
    site: &'static str,
    class: &'static str,
    kind: Kind,
    specimen: &'static str,
    persons: usize,
) -> Share {
    Share {
        weight,
        site,
        class,
        kind,
        specimen,
        persons,
    }
}

impl Plan {
    /// A day drawn by chance.
    #[must_use]
    pub fn new(chance: &mut StdRng, labs: usize, tubes: usize, day: Micros) -> Self {
        let labs: Vec<String> = (1..=labs).map(|number| format!("lab-{number}")).collect();
        let linger = chance.random_range(1..4);
        let retention = chance.random_bool(0.7).then(|| chance.random_range(5..600));
        let cards = chance
            .random_bool(0.7)
            .then(|| chance.random_range(60..900));
        let tubes = (0..tubes)
            .map(|number| {
                let lab = &labs[chance.random_range(0..labs.len())];
                tube(chance, lab, number, day)
            })
            .collect();
        Self {
            labs,
            tubes,
            linger,
            retention,
            cards,
        }
    }

    /// The policy of the day, at a version.
    #[must_use]
    pub fn policy(&self, version: u32) -> String {
        let mut text = tenfold_domain::policy::Policy::default_text()
            .replacen("version = 1", &format!("version = {version}"), 1)
            .replacen(
                "linger_minutes = 20",
                &format!("linger_minutes = {}", self.linger),
                1,
            )
            .replacen("linger_least_minutes = 2", "linger_least_minutes = 1", 1);
        if let Some(seconds) = self.retention {
            let days = f64::from(seconds) / 86_400.0;
            text = text.replacen("final_days = 14.0", &format!("final_days = {days:?}"), 1);
        }
        if let Some(seconds) = self.cards {
            let days = f64::from(seconds) / 86_400.0;
            text = text.replacen("card_days = 400.0", &format!("card_days = {days:?}"), 1);
        }
        if version.is_multiple_of(2) {
            // What changes in the middle of a day: smaller pools.
            text = text.replacen("\npool_max = 10", "\npool_max = 5", 1);
        }
        for lab in &self.labs {
            if lab != "lab-1" {
                text += &format!("\n[labs.{lab}]\nname = \"{lab}\"\nzone = \"Asia/Shanghai\"\n");
            }
            for share in &SHARES {
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

fn tube(chance: &mut StdRng, lab: &str, number: usize, day: Micros) -> Planned {
    let total: u32 = SHARES.iter().map(|share| share.weight).sum();
    let mut at = chance.random_range(0..total);
    let share = SHARES
        .iter()
        .find(|share| {
            let hit = at < share.weight;
            at = at.saturating_sub(share.weight);
            hit
        })
        .unwrap_or(&SHARES[0]);
    let truth = truth(chance, share.class);
    let barcode = format!("SIM{number:07}");
    let subjects: Vec<String> = (0..share.persons)
        .filter(|_| share.kind == Kind::Person)
        .map(|person| format!("p-{number}-{person}"))
        .collect();
    let carrier = matches!(truth, Truth::Virus(_))
        .then(|| subjects.get(number % share.persons).cloned())
        .flatten();
    let pool = share.persons > 1;
    let registered_at = chance.random_range(SECOND..day / 3);
    Planned {
        registration: Registration {
            barcode,
            version: 1,
            site: format!("{lab}-{}", share.site),
            kind: share.kind.into(),
            specimen_type: share.specimen.to_owned(),
            sampling_class: share.class.to_owned(),
            subjects,
            collection_pool: pool,
            observed_swabs: pool.then_some(u32::try_from(share.persons).unwrap_or(u32::MAX)),
            collected_at: Some(crate::shared::EPOCH_MS - 1_200_000),
            ..Registration::default()
        },
        lab: lab.to_owned(),
        truth,
        carrier,
        registered_at,
        arrives_at: registered_at + chance.random_range(SECOND..day / 4),
    }
}

/// More is found than on a usual day: what is never found cannot be lost.
fn truth(chance: &mut StdRng, class: &str) -> Truth {
    match chance.random_range(0..100_u32) {
        0..14 => Truth::Virus(f64::from(chance.random_range(1_800..2_900_u32)) / 100.0),
        14..18 if class == "routine" => {
            Truth::Virus(f64::from(chance.random_range(3_420..3_540_u32)) / 100.0)
        }
        18..26 if class == "fever-clinic" => {
            Truth::Virus(f64::from(chance.random_range(3_800..3_900_u32)) / 100.0)
        }
        26..30 => Truth::Inhibited,
        _ => Truth::Negative,
    }
}
