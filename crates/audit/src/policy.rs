//! The policy as far as an audit needs it: hours, mixing, and how a Ct is read. Everything else in the
//! text is passed over.
//!
//! A policy is a TOML text in the journals; each decision names the version it was made under.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Hours of a class that the policy does not name.
const UNKNOWN_CLASS_HOURS: f64 = 24.0;

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;

/// Most hours of any clock.
const HOURS_MAX: f64 = 1_000.0;

/// Most days of the retention.
const DAYS_MAX: f64 = 3_653.0;

/// See the module.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Policy {
    #[serde(default)]
    classes: BTreeMap<String, Class>,
    clocks: Clocks,
    #[serde(default)]
    retention: Retention,
    #[serde(default)]
    pooling: Pooling,
    /// Kits by id.
    #[serde(default)]
    pub assays: BTreeMap<String, Assay>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Class {
    hours: f64,
    from: String,
    #[serde(default)]
    stat: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Clocks {
    retest_hours: f64,
    pool_alert_hours: f64,
    budget: Budget,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
struct Retention {
    final_days: f64,
    card_days: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            final_days: 14.0,
            card_days: 400.0,
        }
    }
}

/// How long a final sample stays at hand where no policy says so.
#[must_use]
pub fn retention() -> i64 {
    days(Retention::default().final_days)
}

/// How long its card stays after that, where no policy says so.
#[must_use]
pub fn card_retention() -> i64 {
    days(Retention::default().card_days)
}

fn days(days: f64) -> i64 {
    (days.clamp(0.0, DAYS_MAX) * 24.0 * HOUR_MS).round() as i64
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Budget {
    transport: f64,
    pooling: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Pooling {
    #[serde(default)]
    mixing: BTreeMap<String, String>,
}

/// A kit at one version.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Assay {
    targets: BTreeMap<String, toml::Value>,
    internal_control: InternalControl,
    rules: Vec<CtRule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct InternalControl {
    target: String,
    #[serde(default)]
    from: f64,
    to: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct CtRule {
    name: String,
    version: u32,
    from: String,
    #[serde(default)]
    targets: Vec<String>,
    positive: String,
    negative: String,
}

/// What a Ct shows of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// Not found.
    Negative,
    /// Neither.
    Grey,
    /// Found.
    Positive,
}

/// The rules that hold for one run, target by target in the kit's order.
#[derive(Clone, Debug)]
pub struct Reading<'p> {
    assay: &'p Assay,
    rules: Vec<(&'p str, &'p CtRule)>,
}

/// A clock: from when it runs, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// It runs from here.
    pub from: i64,
    /// The report is due here.
    pub due: i64,
}

fn span(hours: f64) -> i64 {
    (hours.clamp(0.0, HOURS_MAX) * HOUR_MS).round() as i64
}

impl Policy {
    /// The clock of a sample of a class.
    #[must_use]
    pub fn clock(
        &self,
        class: &str,
        collected_at: Option<i64>,
        registered_at: i64,
        received_at: Option<i64>,
    ) -> Clock {
        let class = self.classes.get(class);
        let from = match class {
            Some(class) if class.from == "received" => received_at.unwrap_or(registered_at),
            _ => collected_at
                .filter(|at| *at <= registered_at)
                .unwrap_or(registered_at),
        };
        let hours = class.map_or(UNKNOWN_CLASS_HOURS, |class| class.hours);
        Clock {
            from,
            due: from.saturating_add(span(hours)),
        }
    }

    /// A class that goes before all others.
    #[must_use]
    pub fn is_stat(&self, class: &str) -> bool {
        self.classes.get(class).is_some_and(|class| class.stat)
    }

    /// When the time for transport is used up.
    #[must_use]
    pub fn transported_by(&self, clock: Clock) -> i64 {
        share(clock, self.clocks.budget.transport)
    }

    /// When the time for transport and pooling is used up.
    #[must_use]
    pub fn pooled_by(&self, clock: Clock) -> i64 {
        let budget = self.clocks.budget;
        share(clock, budget.transport + budget.pooling)
    }

    /// Until when a retest ordered at a moment must be reported.
    #[must_use]
    pub fn retest_due(&self, ordered_at: i64) -> i64 {
        ordered_at.saturating_add(span(self.clocks.retest_hours))
    }

    /// Until when the alert of a pool called at a moment must be accepted.
    #[must_use]
    pub fn alert_due(&self, called_at: i64) -> i64 {
        called_at.saturating_add(span(self.clocks.pool_alert_hours))
    }

    /// How long a final sample stays at hand before it is filed.
    #[must_use]
    pub fn retention(&self) -> i64 {
        days(self.retention.final_days)
    }

    /// How long the card of a filed sample stays.
    #[must_use]
    pub fn card_retention(&self) -> i64 {
        days(self.retention.card_days)
    }

    /// The group in which a class may be mixed.
    #[must_use]
    pub fn group(&self, class: &str) -> &str {
        self.pooling.mixing.get(class).map_or("", String::as_str)
    }
}

fn share(clock: Clock, share: f64) -> i64 {
    let whole = clock.due.saturating_sub(clock.from) as f64;
    clock.from.saturating_add((whole * share).round() as i64)
}

fn bound(text: &str, sign: char) -> Option<(f64, bool)> {
    let rest = text.trim().strip_prefix(sign)?;
    match rest.strip_prefix('=') {
        Some(rest) => Some((rest.trim().parse().ok()?, true)),
        None => Some((rest.trim().parse().ok()?, false)),
    }
}

fn below(ct: f64, text: &str) -> bool {
    bound(text, '<').is_some_and(|(bound, with)| ct < bound || with && ct <= bound)
}

fn above(ct: f64, text: &str) -> bool {
    bound(text, '>').is_some_and(|(bound, with)| ct > bound || with && ct >= bound)
}

impl CtRule {
    fn band(&self, ct: Option<f64>) -> Band {
        match ct {
            None => Band::Negative,
            Some(ct) if below(ct, &self.positive) => Band::Positive,
            Some(ct) if above(ct, &self.negative) => Band::Negative,
            Some(_) => Band::Grey,
        }
    }
}

impl Assay {
    /// The rules in force when an instrument read a run; `None` if a target has none.
    #[must_use]
    pub fn at(&self, read_at: i64) -> Option<Reading<'_>> {
        let rules = self
            .targets
            .keys()
            .map(|target| {
                let rule = self
                    .rules
                    .iter()
                    .filter(|rule| rule.targets.is_empty() || rule.targets.contains(target))
                    .filter_map(|rule| {
                        let from: jiff::Timestamp = rule.from.parse().ok()?;
                        Some((from.as_millisecond(), rule))
                    })
                    .filter(|(from, _)| *from <= read_at)
                    .max_by_key(|(from, rule)| (*from, rule.version))?;
                Some((target.as_str(), rule.1))
            })
            .collect::<Option<_>>()?;
        Some(Reading { assay: self, rules })
    }
}

impl Reading<'_> {
    /// The targets, the internal control last: the order of a run's readings.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let control = self.assay.internal_control.target.as_str();
        self.rules.iter().map(|(name, _)| *name).chain([control])
    }

    /// Names and versions of the rules, target by target.
    pub fn used(&self) -> impl Iterator<Item = (&str, &str, u32)> {
        self.rules
            .iter()
            .map(|(target, rule)| (*target, rule.name.as_str(), rule.version))
    }

    /// What each target's Ct shows; the internal control's is not among them.
    #[must_use]
    pub fn bands(&self, cts: &[Option<f64>]) -> Vec<Band> {
        self.rules
            .iter()
            .zip(cts)
            .map(|((_, rule), ct)| rule.band(*ct))
            .collect()
    }

    /// The internal control, last of the readings, is in its range.
    #[must_use]
    pub fn control_holds(&self, cts: &[Option<f64>]) -> bool {
        let control = &self.assay.internal_control;
        cts.get(self.rules.len())
            .copied()
            .flatten()
            .is_some_and(|ct| ct >= control.from && below(ct, &control.to))
    }
}

/// The policies of one lane, by version.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    by_version: HashMap<u32, Arc<Policy>>,
    active: u32,
}

impl Policies {
    /// A policy becomes active.
    ///
    /// # Errors
    /// Its text cannot be read.
    pub fn activate(&mut self, version: u32, content: &str) -> Result<(), String> {
        let policy: Policy = toml::from_str(content).map_err(|error| error.to_string())?;
        self.by_version.insert(version, Arc::new(policy));
        self.active = version;
        Ok(())
    }

    /// The active one, if there is one.
    #[must_use]
    pub fn active(&self) -> Option<(u32, Arc<Policy>)> {
        let policy = self.by_version.get(&self.active)?;
        Some((self.active, Arc::clone(policy)))
    }

    /// One that was active once.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<Arc<Policy>> {
        self.by_version.get(&version).cloned()
    }
}
