//! What a well says, worked out anew from its Cts.

use crate::policy::{Band, Reading};
use tenfold_proto::v1::{Control, WellCall};

/// The call of a well: every target found; some; one in the grey zone; none, if the internal control
/// shows that the reaction worked.
#[must_use]
pub fn call(reading: &Reading<'_>, cts: &[Option<f64>]) -> WellCall {
    let bands = reading.bands(cts);
    let found = bands.iter().filter(|b| **b == Band::Positive).count();
    if found > 0 && found == bands.len() {
        WellCall::Positive
    } else if found > 0 {
        WellCall::SingleTarget
    } else if bands.contains(&Band::Grey) {
        WellCall::Grey
    } else if reading.control_holds(cts) {
        WellCall::Negative
    } else {
        WellCall::Invalid
    }
}

/// A control well shows what it is for.
#[must_use]
pub fn control_is_right(reading: &Reading<'_>, control: Control, cts: &[Option<f64>]) -> bool {
    let bands = reading.bands(cts);
    let any_ct = cts.iter().take(bands.len()).any(Option::is_some);
    match control {
        Control::Positive => bands.iter().all(|band| *band == Band::Positive),
        Control::Negative => !any_ct,
        Control::WeakPositive => {
            matches!(call(reading, cts), WellCall::Positive | WellCall::Grey)
                || !bands.contains(&Band::Negative)
        }
        Control::BatchNegative => bands.iter().all(|band| *band == Band::Negative),
        Control::Extraction => !any_ct && reading.control_holds(cts),
        Control::Unspecified => false,
    }
}

/// Positive, single target or grey: a pool that shows it is suspect.
#[must_use]
pub const fn is_suspect(call: WellCall) -> bool {
    matches!(
        call,
        WellCall::Positive | WellCall::SingleTarget | WellCall::Grey
    )
}
