//! Bio-Rad CFX, Manager and Maestro: `Quantification Cq Results` or `Quantification Summary`, as csv, as a
//! workbook whose sheet is named `0`, or as xml with the root `_x0030_`. Rows go dye by dye.

use super::{Format, RunReader, part_with_results};
use crate::bounds::{COLUMNS_MAX, LINES_MAX};
use crate::collect::{Form, Table, read_part};
use crate::columns::{Column, Columns, is_header};
use crate::metadata::Metadata;
use crate::opened::xml::{Element, Xml};
use crate::opened::{Line, Opened};
use crate::refusal::{Reason, Refusal};
use crate::table::RunTable;
use tenfold_domain::policy::plain_name;

const NAME: &str = "Bio-Rad CFX";

/// Sheets with results, the likeliest first.
const SHEETS: &[&str] = &["quantificationcqresults", "0", "quantificationsummary"];

/// The root element of an xml export: the sheet's name, `0`, as an element.
const ROOT: &str = "_x0030_";

/// CFX exports.
pub(super) struct Cfx;

fn form() -> Form {
    Form {
        name: NAME,
        // A workbook writes nothing where there is no Cq; a csv cut by a spreadsheet neither.
        ct_may_be_cut: true,
        ..Form::default()
    }
}

impl RunReader for Cfx {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "a table with Well, Fluor and Cq, and Content or Sample; or xml with the root _x0030_",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        if let Some(xml) = &opened.xml {
            return crate::opened::xml::root(xml).is_some_and(|root| root == ROOT);
        }
        let header = part_with_results(opened, SHEETS)
            .and_then(|part| opened.parts.get(part))
            .and_then(|part| part.head.iter().find(|line| is_header(line)));
        let Some(header) = header else {
            return false;
        };
        let has = |name: &str| header.cells.iter().any(|cell| plain_name(cell) == name);
        has("fluor") && has("well") && (has("content") || has("sample") || has("target"))
    }

    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal> {
        if let Some(xml) = opened.xml.take() {
            let lines = rows_of(&xml)?;
            opened.xml = Some(xml);
            return from_xml(opened, &lines);
        }
        let part = part_with_results(opened, SHEETS).unwrap_or_default();
        read_part(form(), opened, part)
    }
}

fn from_xml(opened: &Opened, lines: &[Line]) -> Result<RunTable, Refusal> {
    let Some((header, rows)) = lines.split_first() else {
        return Err(Refusal::whole(Reason::NoTable, "there are no rows"));
    };
    let columns =
        Columns::of(header).map_err(|why| Refusal::whole(Reason::DuplicateColumn, why))?;
    if columns.at(Column::Well).is_none() || columns.at(Column::Ct).is_none() {
        return Err(Refusal::whole(
            Reason::MissingColumn,
            "its rows have no elements Well and Cq",
        ));
    }
    let table = Table {
        form: form(),
        opened,
        part: 0,
        metadata: &Metadata::default(),
        header: header.number,
    };
    table.read(&columns, rows, None)
}

/// A header, and a line for each `Row` element.
fn rows_of(xml: &str) -> Result<Vec<Line>, Refusal> {
    let mut names: Vec<String> = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut reader = Xml::of(xml);
    let mut current: Option<(u32, Vec<(usize, String)>)> = None;
    let mut text = String::new();
    let mut rows: Vec<(u32, Vec<(usize, String)>)> = Vec::new();
    while let Some(element) = reader.next()? {
        match element {
            Element::Start(tag) if tag.name == "Row" => current = Some((tag.line, Vec::new())),
            Element::Start(_) => text.clear(),
            Element::Text(more) => text.push_str(&more),
            Element::End(name) if name == "Row" => rows.extend(current.take()),
            Element::End(name) => {
                if let Some((_, cells)) = &mut current {
                    let name = decoded(&name);
                    let at = names.iter().position(|known| *known == name);
                    let at = at.unwrap_or_else(|| {
                        names.push(name);
                        names.len().saturating_sub(1)
                    });
                    cells.push((at, text.trim().to_owned()));
                    text.clear();
                }
            }
        }
        if names.len() > COLUMNS_MAX || rows.len() > LINES_MAX {
            return Err(Refusal::whole(
                Reason::TooLong,
                format!("more than {COLUMNS_MAX} columns or {LINES_MAX} rows"),
            ));
        }
    }
    let width = names.len();
    lines.push(Line {
        number: 0,
        cells: names,
    });
    for (number, found) in rows {
        let mut cells = vec![String::new(); width];
        for (at, text) in found {
            if let Some(cell) = cells.get_mut(at) {
                *cell = text;
            }
        }
        lines.push(Line { number, cells });
    }
    Ok(lines)
}

/// A column's name from its element's: `Starting_Quantity__x0028_SQ_x0029_`.
fn decoded(name: &str) -> String {
    let mut parts = name.split("_x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .and_then(char::from_u32);
        match (code, part.get(4..).and_then(|rest| rest.strip_prefix('_'))) {
            (Some(letter), Some(rest)) => {
                text.push(letter);
                text.push_str(rest);
            }
            _ => {
                text.push_str("_x");
                text.push_str(part);
            }
        }
    }
    text.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn names_of_elements_are_names_of_columns() {
        for (element, column) in [
            ("Well", "Well"),
            ("Biological_Set_Name", "Biological Set Name"),
            ("Cq_Std._Dev", "Cq Std. Dev"),
            (
                "Starting_Quantity__x0028_SQ_x0029_",
                "Starting Quantity (SQ)",
            ),
            ("_x0030_", "0"),
            ("a_xyz_b", "a xyz b"),
        ] {
            assert_eq!(decoded(element), column);
        }
    }
}
