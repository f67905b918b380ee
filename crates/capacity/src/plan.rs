//! What is asked: a city, how it is pooled, and what one laboratory line does. Every number can be changed.

use serde::Serialize;

/// Where the swabs of a pool come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixed {
    /// At the site: n swabs in one tube, which nobody can part again. A positive pool means n new swabs.
    AtTheSite,
    /// In the lab: n tubes into one pool. A positive pool means n tests of what is left in the tubes.
    InTheLab,
}

/// What works in parallel. All labs of the city together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// Places where arriving tubes are scanned, and pooled if the lab pools.
    pub benches: u32,
    /// Liquid handlers with their extractors.
    pub extractors: u32,
    /// Instruments.
    pub instruments: u32,
}

/// The question. Defaults are those of a round of one city; see each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// People to be tested once.
    pub people: u64,
    /// Hours from the first swab to the last final result.
    pub hours: f64,
    /// People a pool.
    pub pool: u32,
    /// Where they are mixed.
    pub mixed: Mixed,
    /// Part of the people who are positive.
    pub prevalence: f64,
    /// Hours in which everybody is swabbed. A round of a city: 6, in the evening.
    pub collecting_hours: f64,
    /// The busiest minute against the mean of the collecting hours.
    pub peak: f64,
    /// Laboratories.
    pub labs: u32,
    /// From the swab to the lab's door.
    pub transport_minutes: f64,
    /// From a suspect pool to the arrival of the new swabs of its people.
    pub recollecting_minutes: f64,
    /// To scan a tube at a bench: a rack of 96 in two minutes, and its handling.
    pub scan_seconds: f64,
    /// Specimens a plate: 96 wells less a weak positive, three in-batch negatives, PC and NC.
    pub wells: u32,
    /// To plate and extract one plate.
    pub extraction_minutes: f64,
    /// One run of an instrument, with loading and review.
    pub run_minutes: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            people: 5_000_000,
            hours: 24.0,
            pool: 10,
            mixed: Mixed::AtTheSite,
            prevalence: 0.000_1,
            collecting_hours: 6.0,
            peak: 2.0,
            labs: 50,
            transport_minutes: 60.0,
            recollecting_minutes: 240.0,
            scan_seconds: 3.0,
            wells: 90,
            extraction_minutes: 30.0,
            run_minutes: 100.0,
        }
    }
}

/// A plan that cannot be reckoned with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub must: &'static str,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} must be {}", self.field, self.must)
    }
}

impl std::error::Error for Refused {}

/// More people than there are.
const PEOPLE_MAX: u64 = 10_000_000_000;
/// Two weeks: a plan beyond that is no round.
const HOURS_MAX: f64 = 336.0;

impl Plan {
    /// Checks every number.
    ///
    /// # Errors
    /// The first one that cannot be.
    pub fn checked(self) -> Result<Self, Refused> {
        let positive = [
            ("hours", self.hours, HOURS_MAX),
            ("collecting hours", self.collecting_hours, HOURS_MAX),
            ("scan seconds", self.scan_seconds, 3_600.0),
            ("extraction minutes", self.extraction_minutes, 1_440.0),
            ("run minutes", self.run_minutes, 1_440.0),
        ];
        for (field, value, most) in positive {
            if !(value > 0.0 && value <= most) {
                return Err(Refused {
                    field,
                    must: "above 0, and within two weeks",
                });
            }
        }
        let checks = [
            (
                "people",
                (1..=PEOPLE_MAX).contains(&self.people),
                "from 1 to ten milliards",
            ),
            ("pool", (1..=50).contains(&self.pool), "from 1 to 50"),
            (
                "prevalence",
                (0.0..=1.0).contains(&self.prevalence),
                "from 0 to 1",
            ),
            ("peak", (1.0..=100.0).contains(&self.peak), "from 1 to 100"),
            (
                "labs",
                (1..=100_000).contains(&self.labs),
                "from 1 to 100,000",
            ),
            ("wells", (1..=384).contains(&self.wells), "from 1 to 384"),
            (
                "transport minutes",
                (0.0..=2_880.0).contains(&self.transport_minutes),
                "from 0 to 2,880",
            ),
            (
                "recollecting minutes",
                (0.0..=2_880.0).contains(&self.recollecting_minutes),
                "from 0 to 2,880",
            ),
        ];
        match checks.into_iter().find(|(_, good, _)| !good) {
            Some((field, _, must)) => Err(Refused { field, must }),
            None => Ok(self),
        }
    }

    /// Tubes of the first round.
    #[must_use]
    pub fn tubes(&self) -> f64 {
        let people = self.people as f64;
        match self.mixed {
            Mixed::AtTheSite => people / f64::from(self.pool),
            Mixed::InTheLab => people,
        }
    }

    /// Wells of the first round.
    #[must_use]
    pub fn pools(&self) -> f64 {
        self.people as f64 / f64::from(self.pool)
    }

    /// Persons, or what is left of their tubes, that must be tested one by one.
    #[must_use]
    pub fn retests(&self) -> f64 {
        if self.pool == 1 {
            return 0.0;
        }
        self.pools() * self.suspect() * f64::from(self.pool)
    }

    /// The part of pools that are suspect.
    #[must_use]
    pub fn suspect(&self) -> f64 {
        super::pooling::positive_pools(self.pool, self.prevalence)
    }
}
