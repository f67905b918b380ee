//! Kits: targets, the internal control, and Ct rules by effective date.
//!
//! The key of a rule is (kit, version, target, effective date): an assay is one kit at one version; a
//! rule names the targets it is for and the moment from which it holds. Which rule a Ct is read by is
//! decided by the run's read time, so an old run re-analysed today is read by the rule of its day.

use super::{Policy, PolicyError, problem};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Most members of a pool that any assay may be validated for.
const POOL_MAX: u8 = 50;

/// A kit at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assay {
    /// The kit's name, for people.
    pub kit: String,
    /// The kit's own version.
    pub version: String,
    /// Most members of a pool that the validation covers; it covers every smaller pool too.
    pub max_pool: u8,
    /// Targets by name.
    pub targets: BTreeMap<String, Target>,
    /// The human internal control.
    pub internal_control: InternalControl,
    /// Ct rules.
    pub rules: Vec<CtRule>,
}

/// A target of a kit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Other names for it in result files; compared without case, spaces, `-` and `_`.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// The internal control: shows that there was human material and that the reaction worked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternalControl {
    /// Its target's name.
    pub target: String,
    /// Other names for it in result files.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Lowest valid Ct.
    #[serde(default)]
    pub from: f64,
    /// Highest valid Ct, such as `<=40`.
    pub to: Upper,
}

impl InternalControl {
    /// A Ct in the valid range; no Ct is not valid.
    #[must_use]
    pub fn valid(&self, ct: Option<f64>) -> bool {
        ct.is_some_and(|ct| ct >= self.from && self.to.holds(ct))
    }
}

/// How a Ct of some targets is read, from some moment on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CtRule {
    /// Its name; stored with every call it makes.
    pub name: String,
    /// Its version; stored with every call it makes.
    pub version: u32,
    /// From which read time on, RFC 3339 (`2020-01-01T00:00:00Z`).
    pub from: String,
    /// The targets it is for; empty = all.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Positive Cts: `<37` or `<=40`.
    pub positive: Upper,
    /// Negative Cts: `>=40`, `>38`, or `none` if only the absence of a Ct is negative. Whatever is
    /// neither positive nor negative is grey, so that every Ct has a reading.
    pub negative: Lower,
}

impl CtRule {
    /// The moment from which it holds.
    #[must_use]
    pub fn effective(&self) -> Option<Timestamp> {
        let at: jiff::Timestamp = self.from.parse().ok()?;
        Some(Timestamp(at.as_millisecond()))
    }

    /// Reads a Ct; no Ct is negative, never 0 and never the number of cycles.
    #[must_use]
    pub fn band(&self, ct: Option<f64>) -> Band {
        match ct {
            None => Band::Negative,
            Some(ct) if self.positive.holds(ct) => Band::Positive,
            Some(ct) if self.negative.holds(ct) => Band::Negative,
            Some(_) => Band::Grey,
        }
    }
}

/// What a rule makes of one Ct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Band {
    /// Target not found.
    Negative,
    /// Between the two.
    Grey,
    /// Target found.
    Positive,
}

/// `<37` or `<=40`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Upper {
    /// The bound.
    pub ct: f64,
    /// The bound itself is inside.
    pub inclusive: bool,
}

impl Upper {
    /// The Ct is below the bound.
    #[must_use]
    pub fn holds(self, ct: f64) -> bool {
        ct < self.ct || (self.inclusive && ct <= self.ct)
    }
}

/// `>=40`, `>38` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Lower {
    /// Only "no Ct" is negative.
    None,
    /// Cts above the bound are negative too.
    Above {
        /// The bound.
        ct: f64,
        /// The bound itself is inside.
        inclusive: bool,
    },
}

impl Lower {
    /// The Ct is above the bound.
    #[must_use]
    pub fn holds(self, ct: f64) -> bool {
        match self {
            Self::None => false,
            Self::Above {
                ct: bound,
                inclusive,
            } => ct > bound || (inclusive && ct >= bound),
        }
    }
}

fn bound(text: &str, sign: char) -> Option<(f64, bool)> {
    let rest = text.trim().strip_prefix(sign)?;
    let (rest, inclusive) = rest
        .strip_prefix('=')
        .map_or((rest, false), |rest| (rest, true));
    let ct: f64 = rest.trim().parse().ok()?;
    (ct > 0.0 && ct <= 100.0).then_some((ct, inclusive))
}

impl TryFrom<String> for Upper {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        bound(&text, '<')
            .map(|(ct, inclusive)| Self { ct, inclusive })
            .ok_or_else(|| {
                format!("{text:?} is no upper bound: write <37 or <=40, above 0 and at most 100")
            })
    }
}

impl TryFrom<String> for Lower {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self::None);
        }
        bound(&text, '>')
            .map(|(ct, inclusive)| Self::Above { ct, inclusive })
            .ok_or_else(|| {
                format!("{text:?} is no lower bound: write >=40, >38 or none, at most 100")
            })
    }
}

impl fmt::Display for Upper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}{}", if self.inclusive { "=" } else { "" }, self.ct)
    }
}

impl fmt::Display for Lower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Above { ct, inclusive } => {
                write!(f, ">{}{ct}", if *inclusive { "=" } else { "" })
            }
        }
    }
}

impl From<Upper> for String {
    fn from(bound: Upper) -> Self {
        bound.to_string()
    }
}

impl From<Lower> for String {
    fn from(bound: Lower) -> Self {
        bound.to_string()
    }
}

/// A target name as it is compared: without case, spaces, `-`, `_` and `.`.
#[must_use]
pub fn plain_name(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

impl Assay {
    /// The rule for a target at a read time: of those in force then, the one that came last.
    #[must_use]
    pub fn rule(&self, target: &str, read_at: Timestamp) -> Option<&CtRule> {
        self.rules
            .iter()
            .filter(|rule| rule.targets.is_empty() || rule.targets.iter().any(|t| t == target))
            .filter_map(|rule| Some((rule.effective()?, rule)))
            .filter(|(from, _)| *from <= read_at)
            .max_by_key(|(from, rule)| (*from, rule.version))
            .map(|(_, rule)| rule)
    }

    /// The assay's own name for a target as a result file names it; the internal control included.
    #[must_use]
    pub fn target_named(&self, name: &str) -> Option<&str> {
        let wanted = plain_name(name);
        let is = |own: &str, aliases: &[String]| {
            plain_name(own) == wanted || aliases.iter().any(|a| plain_name(a) == wanted)
        };
        if is(
            &self.internal_control.target,
            &self.internal_control.aliases,
        ) {
            return Some(&self.internal_control.target);
        }
        self.targets
            .iter()
            .find(|(own, target)| is(own, &target.aliases))
            .map(|(own, _)| own.as_str())
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    for (id, assay) in &policy.assays {
        let at = |field: &str| format!("assays.{id}.{field}");
        if assay.max_pool == 0 || assay.max_pool > POOL_MAX {
            problem(
                errors,
                at("max_pool"),
                format!("{} is not 1 to {POOL_MAX}", assay.max_pool),
            );
        }
        if assay.targets.is_empty() {
            problem(errors, at("targets"), "a kit has at least one target");
        }
        check_names(assay, &at("targets"), errors);
        check_rules(assay, &at("rules"), errors);
    }
}

fn check_names(assay: &Assay, field: &str, errors: &mut Vec<PolicyError>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let control = &assay.internal_control;
    let all = assay
        .targets
        .iter()
        .map(|(name, target)| (name.as_str(), &target.aliases))
        .chain([(control.target.as_str(), &control.aliases)]);
    for (name, aliases) in all {
        for word in aliases.iter().map(String::as_str).chain([name]) {
            let plain = plain_name(word);
            if plain.is_empty() {
                problem(errors, field, format!("{name:?} has an empty name"));
            }
            if let Some(other) = seen.insert(plain, name)
                && other != name
            {
                problem(
                    errors,
                    field,
                    format!("{word:?} names both {other:?} and {name:?}"),
                );
            }
        }
    }
}

fn check_rules(assay: &Assay, field: &str, errors: &mut Vec<PolicyError>) {
    for (index, rule) in assay.rules.iter().enumerate() {
        let at = |name: &str| format!("{field}[{index}].{name}");
        if rule.effective().is_none() {
            problem(
                errors,
                at("from"),
                format!("{:?} is no RFC 3339 time", rule.from),
            );
        }
        if let Lower::Above { ct, inclusive } = rule.negative
            && (ct < rule.positive.ct
                || (ct == rule.positive.ct && inclusive && rule.positive.inclusive))
        {
            problem(
                errors,
                at("negative"),
                format!(
                    "{} overlaps with positive {}: a Ct would be both",
                    rule.negative, rule.positive
                ),
            );
        }
        for target in &rule.targets {
            if !assay.targets.contains_key(target) {
                problem(
                    errors,
                    at("targets"),
                    format!("{target:?} is no target of this kit"),
                );
            }
        }
        let same = assay
            .rules
            .iter()
            .filter(|other| (&other.name, other.version) == (&rule.name, rule.version));
        if same.count() > 1 {
            problem(
                errors,
                at("version"),
                format!(
                    "{} version {} is there twice: give each change a version of its own",
                    rule.name, rule.version
                ),
            );
        }
    }
    for target in assay.targets.keys() {
        if !assay
            .rules
            .iter()
            .any(|rule| rule.targets.is_empty() || rule.targets.contains(target))
        {
            problem(
                errors,
                field,
                format!("no rule is for {target:?}: its Cts could not be read"),
            );
        }
    }
}

#[cfg(test)]
#[path = "assays_tests.rs"]
mod tests;
