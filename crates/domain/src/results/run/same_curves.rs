//! Wells whose amplification curves are the very same: no two reactions look alike to the last digit, so one was copied
//! from the other, in the file or before it.

use super::RunTable;
use crate::well::{PlateSize, Well};
use std::collections::{BTreeMap, BTreeSet};

/// Most groups that are kept of a run: a person looks at the file after the first.
const GROUPS_MAX: usize = 40;

/// Groups of wells that have the same curve for a target, each in the order of its wells. One that is the same for several
/// targets is there once.
pub(super) fn same_curves(table: &RunTable, size: PlateSize) -> Vec<Vec<Well>> {
    let mut of: BTreeMap<(&str, u64), BTreeSet<Well>> = BTreeMap::new();
    for row in &table.rows {
        if let (Some(digest), Some(well)) = (row.curve, Well::parse(size, &row.well)) {
            of.entry((&row.target, digest)).or_default().insert(well);
        }
    }
    let groups = of.into_values().filter(|wells| wells.len() > 1);
    let groups: BTreeSet<Vec<Well>> = groups.map(|wells| wells.into_iter().collect()).collect();
    groups.into_iter().take(GROUPS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Row};
    use super::*;

    /// A run in words: `A1 N 7` has the curve 7 in well A1 for target N, `A2 N -` has none.
    fn run(text: &str) -> RunTable {
        let rows = text.split(", ").map(|words| {
            let words: Vec<&str> = words.split(' ').collect();
            Row {
                line: 1,
                well: words[0].to_owned(),
                target: words[1].to_owned(),
                reading: Reading::default(),
                task: String::new(),
                omitted: false,
                curve: words[2].parse().ok(),
            }
        });
        RunTable {
            rows: rows.collect(),
            ..RunTable::default()
        }
    }

    #[test]
    fn wells_are_grouped_as_the_table_says() {
        let table = [
            ("A1 N 7, A2 N 8", ""),
            ("A1 N 7, A2 N 7", "A1 A2"),
            ("A2 N 7, A01 N 7, B1 N 7", "A1 A2 B1"),
            // Of another target, or of one well twice, or without a curve: nothing is the same.
            ("A1 N 7, A2 ORF 7", ""),
            ("A1 N 7, A1 ORF 7", ""),
            ("A1 N -, A2 N -", ""),
            ("A1 N 7, A2 N 7, A1 ORF 9, A2 ORF 9", "A1 A2"),
            ("A1 N 7, A2 N 7, A1 ORF 9, B2 ORF 9", "A1 A2; A1 B2"),
            ("A1 N 7, Z9 N 7", ""),
        ];
        for (text, expected) in table {
            let groups = same_curves(&run(text), PlateSize::P96);
            let told: Vec<String> = groups
                .iter()
                .map(|wells| {
                    wells
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            assert_eq!(told.join("; "), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_one_curve_all_over_says_so_and_no_more() {
        let wells = (0..384).filter_map(|at| Well::from_row_major(PlateSize::P384, at));
        let text: Vec<String> = wells.map(|well| format!("{well} N 1")).collect();
        let groups = same_curves(&run(&text.join(", ")), PlateSize::P384);
        assert_eq!((groups.len(), groups[0].len()), (1, 384));
        let pairs = (0..384).filter_map(|at| Well::from_row_major(PlateSize::P384, at));
        let text: Vec<String> = pairs
            .zip(0..)
            .map(|(well, n)| format!("{well} N {}", n / 2))
            .collect();
        let groups = same_curves(&run(&text.join(", ")), PlateSize::P384);
        assert_eq!(groups.len(), GROUPS_MAX, "of 192");
    }
}
