//! Tables of a lab's own in result files: which column is what.

use super::{Policy, PolicyError, problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most tables of a policy.
const TABLES_MAX: usize = 50;

/// Names of the columns of a text table or sheet; compared without case, spaces, `-`, `_` and `.`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableMapping {
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
    /// Wells of the block, 96 or 384, if wells are numbers.
    pub wells: Option<u16>,
    /// Ct columns of tables with one row a well: column to target.
    pub targets: BTreeMap<String, String>,
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    if policy.tables.len() > TABLES_MAX {
        problem(
            errors,
            "tables",
            format!("{} tables are more than {TABLES_MAX}", policy.tables.len()),
        );
    }
    for (at, table) in policy.tables.iter().enumerate() {
        let field = |name: &str| format!("tables[{at}].{name}");
        if table.name.is_empty() {
            problem(errors, field("name"), "a table has a name");
        }
        if table.well.is_empty() {
            problem(
                errors,
                field("well"),
                "the column of the well must be named",
            );
        }
        let long = !table.target.is_empty() && !table.ct.is_empty();
        if long == !table.targets.is_empty() {
            problem(
                errors,
                field("targets"),
                "name either the columns target and ct, or a Ct column for each target in targets",
            );
        }
        if table.wells.is_some_and(|wells| wells != 96 && wells != 384) {
            problem(errors, field("wells"), "a block has 96 or 384 wells");
        }
    }
}
