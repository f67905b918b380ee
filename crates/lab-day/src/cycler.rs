//! A simulated thermocycler: from the liquid in a plate's wells to a run's file.

use crate::plan::Truth;
use std::fmt::Write as _;
use tenfold_proto::v1::{Control, PlateView};

/// Cycles of a run: what would come later does not come.
const CYCLES: f64 = 42.0;

/// Ct of the internal control wherever somebody's cells are.
const INTERNAL: f64 = 27.5;

/// What a well shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Ct of both targets.
    pub target: Option<f64>,
    /// Ct of the internal control.
    pub internal: Option<f64>,
}

/// What equal volumes of these tubes show: each is diluted by their number.
#[must_use]
pub fn mixed(tubes: &[Truth], inhibited: bool) -> Shown {
    if inhibited {
        return Shown {
            target: None,
            internal: None,
        };
    }
    let copies: f64 = tubes
        .iter()
        .map(|truth| match truth {
            Truth::Virus(ct) => (-ct).exp2(),
            Truth::Negative | Truth::Inhibited => 0.0,
        })
        .sum();
    let tubes = u32::try_from(tubes.len().max(1)).unwrap_or(u32::MAX);
    let ct = -(copies / f64::from(tubes)).log2();
    Shown {
        target: (copies > 0.0 && ct < CYCLES).then_some(ct),
        internal: Some(INTERNAL),
    }
}

/// The file of a run; `show` says what is in each well with a specimen. `spoiled`: somebody splashed into the
/// negative control.
pub fn run(plate: &PlateView, spoiled: bool, mut show: impl FnMut(&str) -> Shown) -> String {
    let mut file = format!("# Plate: {}\nWell,Target,Ct\n", plate.plate);
    for well in &plate.wells {
        let control = well
            .control
            .and_then(|control| Control::try_from(control).ok());
        let of = |target: Option<f64>, internal: Option<f64>| Shown { target, internal };
        let shown = match (control, &well.content) {
            (Some(Control::Positive), _) => of(Some(26.0), Some(INTERNAL)),
            (Some(Control::WeakPositive), _) => of(Some(34.0), Some(INTERNAL)),
            (Some(Control::Negative), _) => of(spoiled.then_some(33.1), None),
            (Some(Control::BatchNegative | Control::Extraction), _) => of(None, Some(INTERNAL)),
            (_, Some(content)) => show(content),
            (_, None) => continue,
        };
        for (name, ct) in [
            ("ORF1ab", shown.target),
            ("N", shown.target),
            ("IC", shown.internal),
        ] {
            let ct = ct.map_or_else(|| "Undetermined".to_owned(), |ct| format!("{ct:.2}"));
            let _ = writeln!(file, "{},{name},{ct}", well.well);
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tube_among_ten_comes_three_and_a_third_cycles_later() {
        let mut pool = vec![Truth::Negative; 9];
        pool.push(Truth::Virus(25.0));
        let shown = mixed(&pool, false).target.expect("a Ct");
        assert!((shown - 28.32).abs() < 0.01, "{shown}");
        assert_eq!(mixed(&pool, true).internal, None);
    }
}
