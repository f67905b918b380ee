//! When a pattern on a plate is pointed out as a possible contamination. It changes no call.

use super::{Policy, PolicyError, problem};
use serde::{Deserialize, Serialize};

/// Thresholds of the hints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contamination {
    /// A suspect well is pointed out if a neighbour's Ct is lower by at least so many cycles. One cycle is a factor of
    /// two, so ten are a thousandfold: a thousandth of a neighbour's drop is enough to make such a signal.
    pub neighbour_cycles: f64,
    /// A neighbour counts only if its Ct is at most this: a drop of a weak well shows nothing.
    pub neighbour_ct_max: f64,
    /// So many suspect wells side by side in one row or column are pointed out. Where one pool in a hundred is
    /// positive, four in a line by chance are less than one plate in a hundred thousand.
    pub line_wells: u8,
    /// Wells whose amplification curves are the very same are pointed out.
    pub same_curves: bool,
}

impl Default for Contamination {
    fn default() -> Self {
        Self {
            neighbour_cycles: 10.0,
            neighbour_ct_max: 25.0,
            line_wells: 4,
            same_curves: true,
        }
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let rules = &policy.contamination;
    for (field, cycles) in [
        ("neighbour_cycles", rules.neighbour_cycles),
        ("neighbour_ct_max", rules.neighbour_ct_max),
    ] {
        if !(cycles > 0.0 && cycles <= 100.0) {
            problem(
                errors,
                format!("contamination.{field}"),
                format!("{cycles} is not above 0 and at most 100"),
            );
        }
    }
    if !(2..=24).contains(&rules.line_wells) {
        problem(
            errors,
            "contamination.line_wells",
            format!("{} is not 2 to 24", rules.line_wells),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_that_mean_nothing_are_refused() {
        let with = |line: &str| {
            let default = Policy::default_text();
            let name = line.split(' ').next().expect("a name");
            let lines = default.lines().map(|old| match old.split_once(" = ") {
                Some((key, _)) if key == name => line,
                _ => old,
            });
            let text: Vec<&str> = lines.collect();
            Policy::parse(&text.join("\n")).map(|policy| policy.contamination)
        };
        for (line, field) in [
            ("neighbour_cycles = 0.0", "contamination.neighbour_cycles"),
            ("neighbour_ct_max = 101.0", "contamination.neighbour_ct_max"),
            ("line_wells = 1", "contamination.line_wells"),
        ] {
            let errors = with(line).expect_err(line);
            assert_eq!(errors[0].field, field);
        }
        let rules = with("line_wells = 3").expect("valid");
        assert_eq!(rules.line_wells, 3);
    }

    #[test]
    fn a_policy_from_before_has_the_defaults() {
        let text = Policy::default_text();
        let (before, rest) = text.split_once("[contamination]").expect("the section");
        let (_, after) = rest.split_once("\n[").expect("another section");
        let policy = Policy::parse(&format!("{before}\n[{after}")).expect("valid");
        assert_eq!(policy.contamination, Contamination::default());
        assert_eq!(
            Policy::parse(text).expect("valid").contamination,
            Contamination::default()
        );
    }
}
