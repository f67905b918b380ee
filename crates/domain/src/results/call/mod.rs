//! From Cts to a call: one well read by the rules in force, and the controls that must hold before any
//! call counts.

mod gate;

pub use gate::control_gate;

use crate::policy::{Assay, Band};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a well says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Call {
    /// No target, and the internal control is valid.
    Negative,
    /// Every target.
    Positive,
    /// Some targets but not all: inconclusive.
    SingleTarget,
    /// A target in the grey band: inconclusive.
    Grey,
    /// No target and no valid internal control: nothing can be said.
    Invalid,
}

impl Call {
    /// Neither negative nor invalid: a pool that shows it is suspect.
    #[must_use]
    pub const fn suspect(self) -> bool {
        matches!(self, Self::Positive | Self::SingleTarget | Self::Grey)
    }

    /// The name, as reports and screens write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Positive => "positive",
            Self::SingleTarget => "inconclusive (single target)",
            Self::Grey => "inconclusive (grey)",
            Self::Invalid => "invalid",
        }
    }
}

/// The rule by which a target was read; stored with every call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUsed {
    /// The target.
    pub target: String,
    /// The rule's name.
    pub name: String,
    /// The rule's version.
    pub version: u32,
}

/// Cts of one well: one a target in the order of the assay's targets, and the internal control's.
#[derive(Clone, Debug, PartialEq)]
pub struct WellCts {
    /// By target; `None` = no Ct.
    pub targets: Vec<Option<f64>>,
    /// The internal control's.
    pub control: Option<f64>,
}

/// The rules a run is read by.
pub struct Rules<'a> {
    assay: &'a Assay,
    rules: Vec<&'a crate::policy::CtRule>,
}

impl<'a> Rules<'a> {
    /// The rules in force at a read time.
    ///
    /// # Errors
    /// The first target that has none.
    pub fn at(assay: &'a Assay, read_at: Timestamp) -> Result<Self, &'a str> {
        let rules = assay
            .targets
            .keys()
            .map(|target| assay.rule(target, read_at).ok_or(target.as_str()))
            .collect::<Result<_, _>>()?;
        Ok(Self { assay, rules })
    }

    /// What to store with the calls.
    #[must_use]
    pub fn used(&self) -> Vec<RuleUsed> {
        self.assay
            .targets
            .keys()
            .zip(&self.rules)
            .map(|(target, rule)| RuleUsed {
                target: target.clone(),
                name: rule.name.clone(),
                version: rule.version,
            })
            .collect()
    }

    /// Each target's band.
    #[must_use]
    pub fn bands(&self, well: &WellCts) -> Vec<Band> {
        self.rules
            .iter()
            .zip(&well.targets)
            .map(|(rule, ct)| rule.band(*ct))
            .collect()
    }

    /// The internal control is in its range.
    #[must_use]
    pub fn control_valid(&self, well: &WellCts) -> bool {
        self.assay.internal_control.valid(well.control)
    }

    /// The call of a well, row by row as the table in the field's guidelines stands: all positive;
    /// some positive; some grey; none, by the internal control. An internal control that is missing
    /// *because* a target is strong does not matter: it is looked at last.
    #[must_use]
    pub fn call(&self, well: &WellCts) -> Call {
        call(&self.bands(well), self.control_valid(well))
    }
}

fn call(bands: &[Band], control_valid: bool) -> Call {
    let positive = bands.iter().filter(|band| **band == Band::Positive).count();
    if positive > 0 && positive == bands.len() {
        Call::Positive
    } else if positive > 0 {
        Call::SingleTarget
    } else if bands.contains(&Band::Grey) {
        Call::Grey
    } else if control_valid {
        Call::Negative
    } else {
        Call::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_targets_are_called_as_the_table_says() {
        use Band::{Grey, Negative as None, Positive as Pos};
        let table = [
            (Pos, Pos, true, Call::Positive),
            (Pos, Pos, false, Call::Positive),
            (Pos, None, true, Call::SingleTarget),
            (None, Pos, false, Call::SingleTarget),
            (Pos, Grey, true, Call::SingleTarget),
            (Grey, None, true, Call::Grey),
            (None, Grey, false, Call::Grey),
            (Grey, Grey, true, Call::Grey),
            (None, None, true, Call::Negative),
            (None, None, false, Call::Invalid),
        ];
        for (orf, n, control, expected) in table {
            assert_eq!(
                call(&[orf, n], control),
                expected,
                "{orf:?} {n:?} {control}"
            );
        }
    }

    fn band() -> impl Strategy<Value = Band> {
        prop_oneof![Just(Band::Negative), Just(Band::Grey), Just(Band::Positive)]
    }

    proptest! {
        #[test]
        fn a_negative_never_hides_a_target(bands in prop::collection::vec(band(), 1..5), control: bool) {
            let call = call(&bands, control);
            if call == Call::Negative {
                prop_assert!(control && bands.iter().all(|b| *b == Band::Negative));
            }
            if bands.iter().any(|b| *b != Band::Negative) {
                prop_assert!(call.suspect(), "{:?} is {:?}", bands, call);
            }
        }
    }
}
