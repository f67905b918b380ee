//! What is told of curves: a table each, JSON, and the list.

use super::{Number, Walked};
use crate::figure::Better;
use crate::figures::CURVES;
use crate::report::{number, parted, spread, spread_json};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A line a size; then how much each number grew, and its aims. What the runs noted stands below.
#[must_use]
pub fn table(walked: &Walked) -> String {
    let curve = walked.curve;
    let mut table = Table::new();
    let names = curve.numbers.iter().map(|number| number.metric.name);
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(std::iter::once(curve.axis).chain(names));
    for point in &walked.points {
        let values = point.values.iter().map(|value| {
            let told = value.as_ref().map(|value| match value.runs.len() {
                1 => number(value.median),
                _ => spread(value),
            });
            told.unwrap_or_else(|| "-".to_owned())
        });
        table.add_row(std::iter::once(parted(&point.size.to_string())).chain(values));
    }
    let of_all = |name: &str, cell: &dyn Fn(usize, &Number) -> String| {
        let cells = curve.numbers.iter().enumerate();
        std::iter::once(name.to_owned())
            .chain(cells.map(|(at, number)| cell(at, number)))
            .collect::<Vec<String>>()
    };
    table.add_row(of_all("largest / smallest", &|at, _| {
        let growth = walked.growth(at);
        growth.map_or_else(|| "-".to_owned(), |growth| format!("{} x", number(growth)))
    }));
    if curve
        .numbers
        .iter()
        .any(|number| number.growth.or(number.at_most).is_some())
    {
        table.add_row(of_all("aim", &|at, number| aim(walked, at, number)));
    }
    let mut text = format!("{}\n{table}\n", curve.name);
    for point in &walked.points {
        if !point.note.is_empty() {
            let _ = writeln!(
                text,
                "  {} {}: {}",
                parted(&point.size.to_string()),
                curve.axis,
                point.note
            );
        }
    }
    if let Some(problem) = &walked.problem {
        let _ = writeln!(
            text,
            "  {} was not measured to its end: {problem}",
            curve.name
        );
    }
    let _ = writeln!(text, "  {} is {}", curve.name, curve.ours);
    text
}

fn aim(walked: &Walked, at: usize, of: &Number) -> String {
    let growth = of.growth.map(|aim| format!("<= {} x", number(aim)));
    let at_most = of.at_most.map(|aim| format!("<= {}", number(aim)));
    let verdict = match walked.reached(at) {
        Some(true) => "reached",
        Some(false) => "missed",
        None => "",
    };
    let words = growth
        .into_iter()
        .chain(at_most)
        .chain([verdict.to_owned()]);
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Everything, for programs.
#[must_use]
pub fn json(walked: &Walked) -> Value {
    let points: Vec<Value> = walked
        .points
        .iter()
        .map(|point| {
            let values = point
                .values
                .iter()
                .map(|value| value.as_ref().map(spread_json));
            json!({ "size": point.size, "values": values.collect::<Vec<_>>(), "note": point.note })
        })
        .collect();
    let numbers = walked.curve.numbers.iter().enumerate().map(|(at, of)| {
        json!({
            "number": of.metric.name,
            "better": if of.metric.better == Better::Higher { "higher" } else { "lower" },
            "growth": walked.growth(at),
            "growth_aim": of.growth,
            "at_most": of.at_most,
            "reached": walked.reached(at),
        })
    });
    json!({
        "curve": walked.curve.name,
        "ours": walked.curve.ours,
        "axis": walked.curve.axis,
        "numbers": numbers.collect::<Vec<_>>(),
        "points": points,
        "not_measured": walked.problem,
    })
}

/// All curves, with how each is measured and how long that takes.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for curve in CURVES {
        let _ = writeln!(
            text,
            "{} (a curve over {})\n    {}\n    takes {}",
            curve.name, curve.axis, curve.ours, curve.takes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bed::{Bed, Size};
    use crate::curve::measure;
    use crate::curve::tests::{BEYOND, SIDEWAYS};

    #[test]
    fn the_table_tells_each_size_the_growth_the_verdict_and_what_went_wrong() {
        let bed = Bed::new(Size::QUICK, 1);
        let told = table(&measure(&bed, &SIDEWAYS, 1));
        for part in [
            "things",
            "100",
            "10.0 x",
            "<= 1.20 x missed",
            "<= 10.0 reached",
            "at 100",
        ] {
            assert!(told.contains(part), "{part:?} is not in\n{told}");
        }
        let early = table(&measure(&bed, &BEYOND, 1));
        assert!(
            early.contains("at 5000 things: 5000 is too much"),
            "{early}"
        );
        assert!(
            !early.contains("reached") && !early.contains("missed"),
            "{early}"
        );
    }

    #[test]
    fn the_file_has_every_size_and_every_aim() {
        let bed = Bed::new(Size::QUICK, 1);
        let value = json(&measure(&bed, &SIDEWAYS, 2));
        assert_eq!(value["points"][1]["size"], 100);
        assert_eq!(
            value["points"][1]["values"][0]["runs"],
            json!([100.0, 100.0])
        );
        assert_eq!(value["numbers"][0]["growth"], 10.0);
        assert_eq!(value["numbers"][0]["reached"], false);
        assert_eq!(value["not_measured"], Value::Null);
    }

    #[test]
    fn every_curve_has_a_name_of_its_own_and_says_what_it_is_and_how_long_it_takes() {
        let mut names: Vec<&str> = CURVES.iter().map(|curve| curve.name).collect();
        names.extend(crate::figures::FIGURES.iter().map(|figure| figure.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name is given twice");
        for curve in CURVES {
            assert!(curve.ours.len() > 60, "{} says too little", curve.name);
            assert!(
                curve.takes.contains("minute"),
                "{}: {}",
                curve.name,
                curve.takes
            );
        }
    }
}
