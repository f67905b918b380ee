//! The control gate: every control of a plate is as it must be, or the plate releases nothing.

use super::{Call, Rules, WellCts};
use crate::message::Control;
use crate::policy::Band;
use crate::results::state::GateVerdict;
use crate::well::{QuadrantOrder, Well};
use std::collections::BTreeSet;

/// Looks at every control well. A plate without a positive and a negative control proves nothing, and
/// is out of control too. On a plate of several extractions (`quadrants`), an extraction control fails its own alone.
#[must_use]
pub fn control_gate(
    rules: &Rules<'_>,
    controls: &[(Well, Control, WellCts)],
    quadrants: Option<QuadrantOrder>,
) -> GateVerdict {
    let mut failures = Vec::new();
    for (kind, name) in [
        (Control::Positive, "positive"),
        (Control::Negative, "negative"),
    ] {
        if !controls.iter().any(|(_, control, _)| *control == kind) {
            failures.push((None, format!("the plate has no {name} control")));
        }
    }
    for (well, control, cts) in controls {
        if let Err(why) = check(rules, *control, cts) {
            failures.push((Some(*well), why));
        }
    }
    if failures.is_empty() {
        return GateVerdict::InControl;
    }
    let extraction = |well: &Option<Well>| {
        controls
            .iter()
            .any(|(at, control, _)| *control == Control::Extraction && Some(*at) == *well)
    };
    match quadrants {
        Some(order) if failures.iter().all(|(well, _)| extraction(well)) => {
            let wells = failures.iter().filter_map(|(well, _)| *well);
            let out: BTreeSet<u8> = wells.map(|well| order.from_384(well).0).collect();
            GateVerdict::QuadrantsOut {
                quadrants: out.into_iter().collect(),
                failures,
            }
        }
        _ => GateVerdict::OutOfControl(failures),
    }
}

fn check(rules: &Rules<'_>, control: Control, cts: &WellCts) -> Result<(), String> {
    let bands = rules.bands(cts);
    let call = rules.call(cts);
    match control {
        Control::Positive if bands.iter().any(|band| *band != Band::Positive) => Err(format!(
            "the positive control is {}: it must be positive on all targets",
            call.name()
        )),
        // Water with a late Ct is contaminated water, also where the rule would call that Ct negative.
        Control::Negative if cts.targets.iter().any(Option::is_some) => {
            Err("the negative control has a Ct: it must have none, late or not".to_owned())
        }
        Control::WeakPositive
            if !matches!(call, Call::Positive | Call::Grey) && bands.contains(&Band::Negative) =>
        {
            Err(format!(
                "the weak positive is {}: it must be positive or grey",
                call.name()
            ))
        }
        Control::BatchNegative if bands.iter().any(|band| *band != Band::Negative) => Err(format!(
            "the negative sample of the batch is {}",
            call.name()
        )),
        Control::Extraction if cts.targets.iter().any(Option::is_some) => Err(
            "the extraction control has a Ct of a target: it must show the internal control alone"
                .to_owned(),
        ),
        Control::Extraction if !rules.control_valid(cts) => {
            Err("the extraction control has no valid internal control".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::well::PlateSize;
    use crate::{Timestamp, ids::AssayId};

    fn well(name: &str) -> Well {
        Well::parse(PlateSize::P96, name).expect("a well")
    }

    fn cts(targets: [f64; 2], control: f64) -> WellCts {
        let ct = |ct: f64| (ct > 0.0).then_some(ct);
        WellCts {
            targets: targets.into_iter().map(ct).collect(),
            control: ct(control),
        }
    }

    /// The gate over a positive control, water, and one more control; 0 = no Ct.
    fn gate(control: Control, targets: [f64; 2], internal: f64) -> GateVerdict {
        let policy = Policy::parse(Policy::default_text()).expect("the default policy");
        let assay = &policy.assays[&AssayId::from("default-cn")];
        let rules = Rules::at(assay, Timestamp(1_767_225_600_000)).expect("rules in force");
        let mut controls = vec![
            (well("A12"), Control::Positive, cts([28.0, 29.0], 30.0)),
            (well("H12"), Control::Negative, cts([0.0, 0.0], 0.0)),
        ];
        controls.retain(|(_, kind, _)| *kind != control);
        controls.push((well("C3"), control, cts(targets, internal)));
        control_gate(&rules, &controls, None)
    }

    #[test]
    fn each_control_must_show_what_it_is_for() {
        use Control::{BatchNegative, Extraction, Negative, Positive, WeakPositive};
        let (none, late) = (0.0, 41.0);
        let (pos, grey) = (30.0, 38.0);
        let table = [
            (Positive, [pos, pos], none, true),
            (Positive, [pos, grey], pos, false),
            (Positive, [pos, none], pos, false),
            (Positive, [none, none], pos, false),
            (Negative, [none, none], none, true),
            (Negative, [none, none], pos, true),
            (Negative, [late, none], none, false),
            (Negative, [none, pos], none, false),
            (WeakPositive, [pos, pos], pos, true),
            (WeakPositive, [grey, pos], pos, true),
            (WeakPositive, [grey, none], pos, true),
            (WeakPositive, [pos, none], pos, false),
            (WeakPositive, [none, none], pos, false),
            (BatchNegative, [none, none], pos, true),
            (BatchNegative, [late, none], pos, true),
            (BatchNegative, [grey, none], pos, false),
            (BatchNegative, [pos, pos], pos, false),
            (Extraction, [none, none], pos, true),
            (Extraction, [none, none], none, false),
            (Extraction, [none, late], pos, false),
        ];
        for (control, targets, internal, holds) in table {
            let verdict = gate(control, targets, internal);
            assert_eq!(
                verdict == GateVerdict::InControl,
                holds,
                "{control:?} {targets:?} {internal}: {verdict:?}"
            );
            if let GateVerdict::OutOfControl(failures) = verdict {
                assert_eq!(failures.len(), 1);
                assert_eq!(failures[0].0, Some(well("C3")), "the well is named");
            }
        }
    }

    #[test]
    fn a_plate_without_controls_is_not_releasable() {
        let policy = Policy::parse(Policy::default_text()).expect("the default policy");
        let assay = &policy.assays[&AssayId::from("default-cn")];
        let rules = Rules::at(assay, Timestamp(1_767_225_600_000)).expect("rules in force");
        let GateVerdict::OutOfControl(failures) = control_gate(&rules, &[], None) else {
            panic!("it was released");
        };
        assert_eq!(failures.len(), 2);
    }
}
