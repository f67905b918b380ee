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
        if long != table.targets.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(table: &str) -> Vec<String> {
        let text = format!("{}\n[[tables]]\n{table}", Policy::default_text());
        match Policy::parse(&text) {
            Ok(policy) => {
                assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
                Vec::new()
            }
            Err(errors) => errors.into_iter().map(|error| error.field).collect(),
        }
    }

    #[test]
    fn a_table_names_target_and_ct_or_a_column_for_each_target() {
        let none: [&str; 0] = [];
        let long = "name = 'a'\nwell = 'W'\ntarget = 'T'\nct = 'C'";
        assert_eq!(problems(long), none);
        let wide = "name = 'a'\nwell = 'W'\nwells = 384\ntargets = { 'x' = 'N' }";
        assert_eq!(problems(wide), none);
        assert_eq!(problems("name = 'a'\nwell = 'W'"), ["tables[0].targets"]);
        assert_eq!(
            problems(&format!("{long}\ntargets = {{ 'x' = 'N' }}")),
            ["tables[0].targets"]
        );
        assert_eq!(
            problems("wells = 48\ntarget = 'T'\nct = 'C'"),
            ["tables[0].name", "tables[0].well", "tables[0].wells"]
        );
    }
}
