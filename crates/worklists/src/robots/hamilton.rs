//! Hamilton (`Venus`): a CSV that a method reads with its `File` library, a column a variable.
//!
//! Facts: the format is the method's, not the maker's; `Venus` finds columns by the names in the first line. The names here
//! are those that Hamilton's own method examples use for sequences: labware id and position id on both sides, and a volume. The
//! two barcodes let a method with a scanner compare. Position ids of 96 and 384 wells are `A1`; of tube carriers they are numbers
//! from 1: a rack of 24 is written so. Lines end with CR LF.

use super::Robot;
use crate::table::csv;
use crate::worklist::{Grid, Place, Worklist, WorklistError};

/// A Hamilton STAR or Vantage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hamilton;

const HEADINGS: [&str; 8] = [
    "Step",
    "SourceLabwareId",
    "SourcePositionId",
    "SourceBarcode",
    "TargetLabwareId",
    "TargetPositionId",
    "TargetBarcode",
    "Volume",
];

impl Robot for Hamilton {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn write(&self, worklist: &Worklist) -> Result<String, WorklistError> {
        let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
        for (step, number) in worklist.steps().iter().zip(1..) {
            rows.push(vec![
                i32::to_string(&number),
                step.from.labware.name.clone(),
                position(&step.from)?,
                step.what.clone(),
                step.to.labware.name.clone(),
                position(&step.to)?,
                step.into.clone(),
                step.ul.to_string(),
            ]);
        }
        Ok(csv(rows))
    }
}

fn position(place: &Place) -> Result<String, WorklistError> {
    match place.labware.size {
        Grid::Rack24 => place
            .labware
            .size
            .number(place.at)
            .map(|number| number.to_string())
            .ok_or_else(|| {
                WorklistError::DoesNotFit(format!(
                    "{} has no place {}",
                    place.labware.name, place.at
                ))
            }),
        Grid::Of96 | Grid::Of384 => Ok(place.at.to_string()),
    }
}
