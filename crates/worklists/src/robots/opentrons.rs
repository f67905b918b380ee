//! Opentrons OT-2: a protocol in Python for its API 2.15 and later.
//!
//! Facts (Python API documentation): a protocol is a file with `requirements` and `run(protocol)`. The deck has slots 1 to
//! 11 for labware. A single-channel pipette of the second generation moves 1 to 20 (`p20`), 20 to 300 (`p300`) or 100 to
//! 1,000 ul (`p1000`); with filter tips at most 20, 200 and 1,000. A rack of tips has 96. Places are named `A1`.
//! `opentrons_simulate` runs a protocol without a robot.
//!
//! The transfers are data at the top of the file, written as JSON, which is Python for texts, numbers and lists: so no name
//! can become code.

use super::Robot;
use crate::worklist::{Grid, Labware, Worklist, WorklistError};
use serde_json::{Value, json};

/// Slots of the deck.
const SLOTS: usize = 11;

/// Tips of a rack.
const TIPS: usize = 96;

/// Pipette, tips, least and most microlitres; the smallest that reaches is taken.
const PIPETTES: [(&str, &str, u32, u32); 3] = [
    ("p20_single_gen2", "opentrons_96_filtertiprack_20ul", 1, 20),
    (
        "p300_single_gen2",
        "opentrons_96_filtertiprack_200ul",
        20,
        200,
    ),
    (
        "p1000_single_gen2",
        "opentrons_96_filtertiprack_1000ul",
        100,
        1_000,
    ),
];

const PROTOCOL: &str = include_str!("opentrons.py");

/// An OT-2. Names of labware are those of its library; a lab with its own racks names them.
#[derive(Clone, Debug)]
pub struct Opentrons {
    /// A rack of 24 tubes.
    pub rack24: String,
    /// 96 tubes or deep wells.
    pub of96: String,
    /// 384 wells.
    pub of384: String,
}

impl Default for Opentrons {
    fn default() -> Self {
        Self {
            rack24: "opentrons_24_tuberack_nest_2ml_snapcap".to_owned(),
            of96: "nest_96_wellplate_2ml_deep".to_owned(),
            of384: "corning_384_wellplate_112ul_flat".to_owned(),
        }
    }
}

impl Robot for Opentrons {
    fn extension(&self) -> &'static str {
        "py"
    }

    fn write(&self, worklist: &Worklist) -> Result<String, WorklistError> {
        let steps = worklist.steps();
        let volumes = || steps.iter().map(|step| step.ul);
        let (least, most) = (volumes().min().unwrap_or(0), volumes().max().unwrap_or(0));
        let (pipette, tips, ..) = PIPETTES
            .iter()
            .find(|(_, _, from, to)| *from <= least && most <= *to)
            .ok_or_else(|| {
                WorklistError::DoesNotFit(format!(
                    "no pipette of the OT-2 moves both {least} and {most} ul"
                ))
            })?;
        let (sources, targets) = worklist.labware();
        // What liquid goes into may be taken from too: it stands on the deck once.
        let mut deck: Vec<&Labware> = targets;
        for source in sources {
            if !deck.contains(&source) {
                deck.push(source);
            }
        }
        let racks = steps.len().div_ceil(TIPS);
        let used = deck.len() + racks;
        if used > SLOTS {
            return Err(WorklistError::DoesNotFit(format!(
                "{} racks and plates and {racks} racks of tips need {used} slots; the deck has {SLOTS}: take fewer pools",
                deck.len()
            )));
        }
        let labware: Vec<Value> = deck
            .iter()
            .zip(1..)
            .map(|(labware, slot)| json!([labware.name, self.library(labware.size), slot]))
            .collect();
        let slots: Vec<usize> = (1..=racks).map(|rack| deck.len() + rack).collect();
        let transfers: Vec<String> = steps
            .iter()
            .map(|step| {
                let row = json!([
                    step.from.labware.name,
                    step.from.at.to_string(),
                    step.what,
                    step.to.labware.name,
                    step.to.at.to_string(),
                    step.into,
                    step.ul,
                ]);
                format!("    {row},")
            })
            .collect();
        Ok(PROTOCOL
            .replace("\"@TITLE@\"", &json!(worklist.title()).to_string())
            .replace("\"@PIPETTE@\"", &json!(pipette).to_string())
            .replace("\"@TIPS@\"", &json!(tips).to_string())
            .replace("\"@TIP_SLOTS@\"", &json!(slots).to_string())
            .replace("\"@LABWARE@\"", &json!(labware).to_string())
            .replace("    \"@TRANSFERS@\",", &transfers.join("\n")))
    }
}

impl Opentrons {
    fn library(&self, size: Grid) -> &str {
        match size {
            Grid::Rack24 => &self.rack24,
            Grid::Of96 => &self.of96,
            Grid::Of384 => &self.of384,
        }
    }
}
