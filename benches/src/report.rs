//! What is told: a table for people, a file for programs, and the list of all figures.

use crate::curve::{self, Walked};
use crate::figure::{Better, Measured, Row, Spread};
use crate::figures::FIGURES;
use crate::machine::Machine;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Ratios, absolute figures and aims; then how each yardstick was tuned, and what the runs noted.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "figure",
            "number",
            "ratio (least..most)",
            "aim",
            "",
            "ours",
            "yardstick",
        ]);
    for row in rows {
        let name = match row.yardstick {
            "" => row.figure.to_owned(),
            yardstick => format!("{}/{yardstick}", row.figure),
        };
        let cells = match &row.outcome {
            Ok(measured) => [
                measured
                    .ratio
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ratio),
                aim(row),
                verdict(row).to_owned(),
                spread(&measured.ours),
                measured
                    .yardstick
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), spread),
            ],
            Err(reason) => [
                "not measured".to_owned(),
                aim(row),
                String::new(),
                reason.lines().next().unwrap_or_default().to_owned(),
                String::new(),
            ],
        };
        let [ratio, aim, verdict, ours, yardstick] = cells;
        table.add_row([
            name,
            row.metric.name.to_owned(),
            ratio,
            aim,
            verdict,
            ours,
            yardstick,
        ]);
    }
    let mut text = format!("{table}\n");
    let mut told = Vec::new();
    for row in rows {
        let mut once = |line: String| {
            if !line.is_empty() && !told.contains(&line) {
                let _ = writeln!(text, "  {line}");
                told.push(line);
            }
        };
        match &row.outcome {
            Ok(measured) => {
                for note in &measured.notes {
                    once(if note.is_empty() {
                        String::new()
                    } else {
                        format!("{}: {note}", row.figure)
                    });
                }
            }
            Err(reason) => once(format!(
                "{}/{} was not measured: {reason}",
                row.figure, row.yardstick
            )),
        }
        if !row.how.is_empty() {
            once(format!("{}/{} is {}", row.figure, row.yardstick, row.how));
        }
    }
    text
}

fn verdict(row: &Row) -> &'static str {
    match row.reached() {
        Some(true) => "reached",
        Some(false) => "missed",
        None => "",
    }
}

fn aim(row: &Row) -> String {
    let Some(aim) = row.aim else {
        return String::new();
    };
    let sign = match row.metric.better {
        Better::Higher => ">=",
        Better::Lower => "<=",
    };
    let unit = if row.yardstick.is_empty() { "" } else { " x" };
    format!("{sign} {}{unit}", number(aim))
}

fn ratio(spread: &Spread) -> String {
    format!(
        "{} x ({}..{})",
        number(spread.median),
        number(spread.min),
        number(spread.max)
    )
}

pub(crate) fn spread(spread: &Spread) -> String {
    format!(
        "{} ({}..{})",
        number(spread.median),
        number(spread.min),
        number(spread.max)
    )
}

/// Three digits that count, with thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), ""), |(a, b)| (a, b));
    let out = parted(whole);
    if rest.is_empty() {
        out
    } else {
        format!("{out}.{rest}")
    }
}

/// Digits with thousands apart.
pub(crate) fn parted(whole: &str) -> String {
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0
            && (whole.len() - index).is_multiple_of(3)
            && digit.is_ascii_digit()
            && !out.ends_with('-')
        {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Everything, for programs.
#[must_use]
pub fn json(machine: &Machine, quick: bool, runs: u32, rows: &[Row], curves: &[Walked]) -> Value {
    let rows: Vec<Value> = rows.iter().map(row_json).collect();
    let curves: Vec<Value> = curves.iter().map(curve::json).collect();
    json!({
        "machine": machine.json(),
        "quick": quick,
        "runs": runs,
        "figures": rows,
        "curves": curves,
    })
}

fn row_json(row: &Row) -> Value {
    let mut value = json!({
        "figure": row.figure,
        "yardstick": row.yardstick,
        "how": row.how,
        "number": row.metric.name,
        "better": if row.metric.better == Better::Higher { "higher" } else { "lower" },
        "aim": row.aim,
        "reached": row.reached(),
    });
    match &row.outcome {
        Ok(measured) => {
            value["ours"] = spread_json(&measured.ours);
            value["notes"] = json!(measured.notes);
            for (name, spread) in pair(measured) {
                value[name] = spread_json(spread);
            }
        }
        Err(reason) => value["not_measured"] = json!(reason),
    }
    value
}

fn pair(measured: &Measured) -> impl Iterator<Item = (&'static str, &Spread)> {
    let other = measured.yardstick.as_ref().map(|spread| ("other", spread));
    let ratio = measured.ratio.as_ref().map(|spread| ("ratio", spread));
    other.into_iter().chain(ratio)
}

pub(crate) fn spread_json(spread: &Spread) -> Value {
    json!({ "median": spread.median, "min": spread.min, "max": spread.max, "runs": spread.runs })
}

/// All figures and yardsticks, with how each is done.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for figure in FIGURES {
        let _ = writeln!(text, "{}\n    {}", figure.name, figure.ours);
        for yardstick in figure.yardsticks {
            let _ = writeln!(
                text,
                "  {}/{}\n    {}",
                figure.name, yardstick.name, yardstick.how
            );
        }
    }
    text + &curve::list()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_part_thousands() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(123.4), "123");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.1234), "0.123");
        assert_eq!(number(-1_000.0), "-1,000");
    }

    #[test]
    fn every_name_is_given_once_and_every_yardstick_says_how_it_is_tuned() {
        let mut names = Vec::new();
        for figure in FIGURES {
            names.push(figure.name.to_owned());
            assert!(figure.ours.len() > 60, "{} says too little", figure.name);
            for yardstick in figure.yardsticks {
                names.push(format!("{}/{}", figure.name, yardstick.name));
                assert!(
                    yardstick.how.len() > 60,
                    "{} says too little",
                    yardstick.name
                );
                assert_eq!(
                    yardstick.aims.len(),
                    figure.metrics.len(),
                    "{}",
                    yardstick.name
                );
            }
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "a name is given twice");
    }
}
