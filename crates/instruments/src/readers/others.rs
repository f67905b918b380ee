//! What is no table of results: told by name where it is known, so that nobody has to guess.

use crate::columns::{is_header, nearly_header};
use crate::opened::{Line, Opened, unsupported};
use crate::refusal::{Reason, Refusal, shown};
use tenfold_domain::policy::plain_name;

/// Tables that look like results and are none: a refusal before any reader is asked.
pub(super) fn known(opened: &Opened) -> Option<Refusal> {
    let first = opened.parts.first()?.head.first()?.cell(0);
    (first.starts_with("SDS ") && first.len() < 40).then(|| {
        unsupported(
            "an export of SDS 1.x or 2.x: open it in newer software and export it from there",
        )
    })
}

/// Why a file without a table of results is refused.
pub(super) fn no_table(opened: &Opened) -> Refusal {
    if opened.xml.is_some() {
        return unsupported("an XML file that is no run");
    }
    for part in &opened.parts {
        if let Some(what) = part.head.iter().find_map(what_it_is) {
            return unsupported(what);
        }
    }
    for (at, part) in opened.parts.iter().enumerate() {
        if let Some(header) = part.head.iter().find(|line| nearly_header(line)) {
            return missing(opened, at, header);
        }
    }
    let first = opened
        .parts
        .iter()
        .find_map(|part| part.head.first())
        .map(|line| line.cells.join(" | "))
        .unwrap_or_default();
    Refusal::whole(
        Reason::NoTable,
        format!(
            "no row holds the names of the columns well, target and Ct; the first row is {}",
            shown(&first)
        ),
    )
}

fn missing(opened: &Opened, part: usize, header: &Line) -> Refusal {
    use crate::columns::Column;
    let has = |columns: &[Column]| {
        header
            .cells
            .iter()
            .filter_map(|cell| Column::named(cell))
            .any(|column| columns.contains(&column))
    };
    let mut missing = Vec::new();
    if !has(&[Column::Well, Column::WellPosition]) {
        missing.push("well");
    }
    if !has(&[Column::Target, Column::Dye]) {
        missing.push("target");
    }
    if !has(&[Column::Ct]) {
        missing.push("Ct");
    }
    Refusal::at(
        Reason::MissingColumn,
        opened.place(part, header.number),
        format!("there is no column {}", missing.join(", and no column ")),
    )
}

/// What a table is, by the names of its columns.
fn what_it_is(line: &Line) -> Option<&'static str> {
    if line.cells.len() < 2 || is_header(line) {
        return None;
    }
    let names: Vec<String> = line.cells.iter().map(|cell| plain_name(cell)).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let starts = |start: &str| names.iter().any(|known| known.starts_with(start));
    if has("samplepos") && starts("prog#") {
        Some("raw fluorescence, not results")
    } else if has("snpassayname") || has("allele1") || starts("allele1") {
        Some("a genotyping result: it has no Ct a target")
    } else if has("tm1") || has("meltpeakheight") || has("melttemperature") {
        Some("a melting curve table")
    } else if has("general:pos") {
        Some("a sample setup, not results")
    } else if starts("cycle") {
        Some("amplification curves, not results")
    } else {
        None
    }
}
