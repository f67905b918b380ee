//! A simulated thermocycler: from what stands in a plate's wells and the truth to a run's file.

use super::truth::Truth;
use std::collections::HashMap;
use std::fmt::Write as _;
use tenfold_proto::v1::{Control, PlateView};

/// Targets of the kit, and its internal control.
const ORF: &str = "ORF1ab";
const N: &str = "N";
const IC: &str = "IC";

/// The second target comes this much later.
const N_LATER: f64 = 0.4;

/// Cycles of a run: what would come later does not come.
const CYCLES: f64 = 45.0;

/// Barcodes of the tubes in each well.
pub type Wells = HashMap<String, Vec<String>>;

/// The file of a run of this plate. `spoiled`: somebody splashed into the negative control.
pub fn run(plate: &PlateView, wells: &Wells, truth: &Truth, spoiled: bool) -> String {
    let mut file = String::from("well,target,ct\n");
    for well in &plate.wells {
        let control = well
            .control
            .and_then(|control| Control::try_from(control).ok());
        let target = match control {
            None | Some(Control::Unspecified) => wells
                .get(&well.well)
                .and_then(|barcodes| truth.well(barcodes)),
            Some(Control::Positive) => Some(26.0),
            Some(Control::WeakPositive) => Some(34.0),
            Some(Control::Negative) if spoiled => Some(33.1),
            Some(Control::Negative | Control::BatchNegative | Control::Extraction) => None,
        };
        let internal = (control != Some(Control::Negative)).then_some(29.5);
        for (name, ct) in [
            (ORF, target),
            (N, target.map(|ct| ct + N_LATER)),
            (IC, internal),
        ] {
            let ct = ct
                .filter(|ct| *ct < CYCLES)
                .map_or_else(|| "Undetermined".to_owned(), |ct| format!("{ct:.2}"));
            let _ = writeln!(file, "{},{name},{ct}", well.well);
        }
    }
    file
}
