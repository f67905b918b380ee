//! Plates, and the runs read from them.

use crate::ids::{Actor, AssayId, Barcode, LabId, PoolId};
use crate::message::Control;
use crate::results::call::{Call, RuleUsed};
use crate::results::run::{Reading, RunTable};
use crate::tables::{Record, TableId};
use crate::time::Timestamp;
use crate::well::{PlateSize, QuadrantOrder, Well};
use serde::{Deserialize, Serialize};

/// Where a plate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PlateState {
    /// In an instrument; no run yet.
    Loaded,
    /// A run of it was in control.
    Released,
    /// Its first run was out of control: it released nothing, and is plated again.
    OutOfControl,
    /// Nothing may be believed of it.
    Voided,
}

/// A well with specimens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateWell {
    /// Where.
    pub well: Well,
    /// The lab pool in it.
    pub pool: Option<PoolId>,
    /// Keys of the tubes in it.
    pub members: Vec<u64>,
}

/// A plate as it was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plate {
    /// The lab.
    pub lab: LabId,
    /// Its barcode.
    pub barcode: Barcode,
    /// Its size.
    pub size: PlateSize,
    /// The kit.
    pub assay: AssayId,
    /// The instrument.
    pub instrument: String,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// When this lane was told so (lane time).
    pub told_at: Timestamp,
    /// Control wells.
    pub controls: Vec<(Well, Control)>,
    /// Wells with specimens.
    pub wells: Vec<PlateWell>,
    /// Wells whose content no longer counted when the plate was loaded; what a run says of them is not used.
    pub dropped: Vec<Well>,
    /// How its quadrants stand, if it was stamped from plates of 96 wells: each is an extraction of its own.
    pub quadrants: Option<QuadrantOrder>,
    /// Where it stands.
    pub state: PlateState,
    /// The analysis that counts: key of the run, and version.
    pub current: Option<(u64, u32)>,
    /// Keys of its runs.
    pub runs: Vec<u64>,
    /// All its tubes were filed: of it, only names and its state are kept.
    pub filed: bool,
}

impl Plate {
    /// A well that nothing may be believed of by this verdict.
    #[must_use]
    pub fn is_out(&self, gate: &GateVerdict, well: Well) -> bool {
        match (gate, self.quadrants) {
            (GateVerdict::InControl, _) => false,
            (GateVerdict::QuadrantsOut { quadrants, .. }, Some(order)) => {
                quadrants.contains(&order.from_384(well).0)
            }
            _ => true,
        }
    }
}

impl Record for Plate {
    const TABLE: TableId = 6;
    const NAME: &'static str = "plates";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}

/// One instrument read of one plate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Instrument serial and the instrument's run id: the run's identity, as [`Run::name_of`] joins them.
    pub name: String,
    /// Key of the plate.
    pub plate: u64,
    /// Content hashes of its analyses, by version from 1, in hexadecimal.
    pub files: Vec<String>,
}

impl Run {
    /// The name a run is found by.
    #[must_use]
    pub fn name_of(serial: &str, run_id: &str) -> String {
        format!("{serial}\u{1f}{run_id}")
    }
}

impl Record for Run {
    const TABLE: TableId = 7;
    const NAME: &'static str = "runs";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        self.files
            .iter()
            .map(String::as_str)
            .chain([self.name.as_str()])
            .collect()
    }
}

/// What the control gate said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateVerdict {
    /// Every control is as it must be.
    InControl,
    /// These are not: well (if one is named) and why.
    OutOfControl(Vec<(Option<Well>, String)>),
    /// Only extraction controls are not, and each fails its quadrant alone.
    QuadrantsOut {
        /// Quadrants, from 0.
        quadrants: Vec<u8>,
        /// Which controls, and why.
        failures: Vec<(Option<Well>, String)>,
    },
}

impl GateVerdict {
    /// Controls that are not as they must be: well (if one is named) and why.
    #[must_use]
    pub fn failures(&self) -> &[(Option<Well>, String)] {
        match self {
            Self::InControl => &[],
            Self::OutOfControl(failures) | Self::QuadrantsOut { failures, .. } => failures,
        }
    }

    /// Quadrants that failed alone, from 0.
    #[must_use]
    pub fn quadrants_out(&self) -> &[u8] {
        match self {
            Self::QuadrantsOut { quadrants, .. } => quadrants,
            _ => &[],
        }
    }
}

/// One analysis of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// When the instrument read the plate, as it says.
    pub read_at: Timestamp,
    /// When it was imported (lane time): the time of the calls.
    pub imported_at: Timestamp,
    /// Who imported it.
    pub actor: Actor,
    /// The file's name.
    pub file_name: String,
    /// Why there is a second run.
    pub reason: String,
    /// Policy version of the calls.
    pub policy: u32,
    /// Rules of the calls, one a target.
    pub rules: Vec<RuleUsed>,
    /// Targets, in the order of the readings; the internal control is the last.
    pub targets: Vec<String>,
    /// What the controls said.
    pub gate: GateVerdict,
    /// Wells, in the order of their positions: Cts by target, and the call.
    pub wells: Vec<(Well, Vec<Reading>, Call)>,
    /// It counts no more, or never did, and why.
    pub set_aside: Option<String>,
    /// Groups of wells whose amplification curves are the very same.
    pub same_curves: Vec<Vec<Well>>,
}

impl Analysis {
    /// What a well showed.
    #[must_use]
    pub fn well(&self, well: Well) -> Option<&(Well, Vec<Reading>, Call)> {
        let at = self.wells.binary_search_by_key(&well, |w| w.0).ok()?;
        self.wells.get(at)
    }
}

impl Record for Analysis {
    const TABLE: TableId = 16;
    const NAME: &'static str = "analyses";
    type Key = (u64, u64);
}

/// A run file as it was handed in; kept while its plate is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The lab.
    pub lab: LabId,
    /// The plate it is said to be of.
    pub plate: Barcode,
    /// Serial of the instrument.
    pub serial: String,
    /// The instrument's run id.
    pub run_id: String,
    /// When the instrument read the plate, as it says.
    pub read_at: Timestamp,
    /// Content hash, hexadecimal.
    pub file_hash: String,
    /// The file's name.
    pub file_name: String,
    /// Why a plate is run again.
    pub reason: String,
    /// Who hands it in.
    pub actor: Actor,
    /// The table.
    pub table: RunTable,
}

impl Record for Submission {
    const TABLE: TableId = 17;
    const NAME: &'static str = "parked-runs";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.plate.as_str(), self.file_hash.as_str()])
    }
}
