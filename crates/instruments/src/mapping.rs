//! A table of a lab's own: which column is what, as data.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of the columns of a text table or sheet; compared without case, spaces, `-`, `_` and `.`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMapping {
    /// The mapping's own name.
    pub name: String,
    /// Column of the well.
    pub well: String,
    /// Column of the target; empty if each target has a column of its own.
    pub target: String,
    /// Column of the Ct; empty if each target has a column of its own.
    pub ct: String,
    /// Column of the sample's name; may be empty.
    pub sample: String,
    /// Column of the task; may be empty.
    pub task: String,
    /// Column of the plate's barcode; may be empty.
    pub plate: String,
    /// Column that says whether the row was taken out; may be empty.
    pub omit: String,
    /// Ct columns of tables with one row a well: column to target.
    pub targets: BTreeMap<String, String>,
    /// Wells of the block, 96 or 384, if wells are numbers.
    pub wells: Option<u16>,
}
