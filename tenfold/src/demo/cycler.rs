//! A simulated thermocycler: from what stands in a plate's wells and the truth to a run's file.

use super::truth::Truth;
use std::collections::HashMap;
use std::fmt::Write as _;
use tenfold_proto::v1::{Control, PlateView};

/// Targets of the kit, and its internal control.
const ORF: &str = "ORF1ab";
const N: &str = "N";
const IC: &str = "IC";

/// Where the internal control comes; by up to half a cycle sooner or later, in each well of each run.
const INTERNAL: f64 = 29.5;

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
        let internal = (control != Some(Control::Negative))
            .then(|| INTERNAL + scatter(&plate.plate, &well.well));
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

/// As no two runs ever give the same: a file that was handed in for another plate is refused, and without this two
/// plates of nothing but negatives, with their controls in the same wells, would have the same.
fn scatter(plate: &str, well: &str) -> f64 {
    let [first, ..] = *blake3::hash(format!("{plate} {well}").as_bytes()).as_bytes();
    f64::from(first) / 255.0 - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::v1::PlateWellView;

    #[test]
    fn two_plates_of_negatives_have_different_files() {
        let file = |plate: &str| {
            let wells = ["A1", "B1"].map(|well| PlateWellView {
                well: well.to_owned(),
                ..PlateWellView::default()
            });
            let view = PlateView {
                plate: plate.to_owned(),
                wells: wells.into(),
                ..PlateView::default()
            };
            run(&view, &Wells::default(), &Truth::default(), false)
        };
        assert_ne!(file("PL007LAB2N001"), file("PL014LAB2N002"));
        assert_eq!(file("PL007LAB2N001"), file("PL007LAB2N001"), "a run again");
    }
}
