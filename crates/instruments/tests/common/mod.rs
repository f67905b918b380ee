//! Files of the tests, and tables as text.
#![allow(dead_code)]

use tenfold_instruments::{Refusal, RunTable, read};

/// The table of a file that must be read.
pub fn table(file: &[u8]) -> RunTable {
    read(file, &[]).unwrap_or_else(|refused| {
        panic!(
            "{:?}: {refused}",
            String::from_utf8_lossy(file.get(..200).unwrap_or(file))
        )
    })
}

/// The refusal of a file that must be refused.
pub fn refused(file: &[u8]) -> Refusal {
    match read(file, &[]) {
        Err(refusal) => refusal,
        Ok(table) => panic!("{:?} was read: {table:?}", String::from_utf8_lossy(file)),
    }
}

/// Cts in the order of the file.
pub fn cts(file: &str) -> Vec<Option<f64>> {
    let table = table(file.as_bytes());
    table.reactions.iter().map(|r| r.reading.ct).collect()
}

/// Curves as text: a line each, with every cycle.
pub fn curves(table: &RunTable) -> String {
    let mut text = String::new();
    for curve in &table.curves {
        text.push_str(&format!(
            "{} {}",
            curve.well,
            curve.target.replace(' ', "_")
        ));
        for (cycle, value) in &curve.points {
            text.push_str(&format!(" {cycle}:{value:.4}"));
        }
        text.push('\n');
    }
    text
}

/// A table as text: what a person would write down of it.
pub fn text(table: &RunTable) -> String {
    let mut text = format!("format: {}\nplate: {}\n", table.format, table.about.plate);
    for r in &table.reactions {
        let ct = r
            .reading
            .ct
            .map_or_else(|| "-".to_owned(), |ct| format!("{ct:.3}"));
        let omitted = if r.omitted { " omitted" } else { "" };
        text.push_str(&format!(
            "{} {} {ct} {:?} {:?}{omitted}\n",
            r.well,
            r.target.replace(' ', "_"),
            r.role,
            r.sample
        ));
    }
    text
}
