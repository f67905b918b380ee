//! The control gate: every control of a plate is as it must be, or the plate releases nothing.

use super::{Call, Rules, WellCts};
use crate::message::Control;
use crate::policy::Band;
use crate::results::state::GateVerdict;
use crate::well::Well;

/// Looks at every control well. A plate without a positive and a negative control proves nothing, and
/// is out of control too.
#[must_use]
pub fn control_gate(rules: &Rules<'_>, controls: &[(Well, Control, WellCts)]) -> GateVerdict {
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
        GateVerdict::InControl
    } else {
        GateVerdict::OutOfControl(failures)
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
