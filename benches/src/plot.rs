//! Pictures: all ratios beside their aims, and every run of every figure.

use crate::figure::{Better, Measured, Row, Spread};
use anyhow::Context as _;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 900;

/// Height of a bar with its distance, in pixels.
const BAR: u32 = 34;

/// Draws `ratios.svg`, and one `FIGURE-NUMBER.svg` for each number of each figure. Answers how many.
///
/// # Errors
/// A file cannot be written.
pub fn all(rows: &[Row], folder: &Path) -> anyhow::Result<usize> {
    let measured: Vec<(&Row, &Measured)> = rows
        .iter()
        .filter_map(|row| Some((row, row.outcome.as_ref().ok()?)))
        .filter(|(_, measured)| measured.ratio.is_some())
        .collect();
    if measured.is_empty() {
        return Ok(0);
    }
    ratios(&measured, &folder.join("ratios.svg")).context("ratios.svg")?;
    let mut drawn = 1;
    let mut done: Vec<(&str, &str)> = Vec::new();
    for (row, _) in &measured {
        let key = (row.figure, row.metric.name);
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        let same: Vec<_> = measured
            .iter()
            .filter(|(other, _)| (other.figure, other.metric.name) == key)
            .copied()
            .collect();
        let name = file_name(row.figure, row.metric.name);
        runs(&same, &folder.join(&name)).with_context(|| name.clone())?;
        drawn += 1;
    }
    Ok(drawn)
}

/// The name of a picture, without what a file's name should not have.
pub(crate) fn file_name(figure: &str, number: &str) -> String {
    let plain = format!("{figure}-{number}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect::<String>();
    format!("{plain}.svg")
}

/// One line each on a logarithmic scale: least to most, the median as a dot, the aim as a stroke.
fn ratios(rows: &[(&Row, &Measured)], file: &Path) -> anyhow::Result<()> {
    let height = 90 + BAR * u32::try_from(rows.len()).unwrap_or(1);
    let root = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let values = rows.iter().flat_map(|(row, measured)| {
        let ratio = measured.ratio.as_ref();
        ratio
            .map(|r| [r.min, r.max])
            .into_iter()
            .flatten()
            .chain(row.aim)
    });
    let (low, high) = values.fold((1.0_f64, 1.0_f64), |(a, b), value| {
        (a.min(value), b.max(value))
    });
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "ours / yardstick (blue: median and spread, red: aim)",
            ("sans-serif", 18),
        )
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(290)
        .build_cartesian_2d((low / 1.5..high * 1.5).log_scale(), 0..rows.len())?;
    let label = |place: &usize| {
        rows.len()
            .checked_sub(place + 1)
            .and_then(|index| rows.get(index))
            .map_or_else(String::new, |(row, _)| {
                format!("{}/{} {}", row.figure, row.yardstick, row.metric.name)
            })
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(rows.len() + 1)
        .y_label_formatter(&label)
        .x_label_formatter(&|x| format!("{x:.3} x"))
        .draw()?;
    for (index, (row, measured)) in rows.iter().enumerate() {
        let place = rows.len() - index - 1;
        let Some(ratio) = &measured.ratio else {
            continue;
        };
        chart.draw_series(std::iter::once(PathElement::new(
            [(ratio.min, place), (ratio.max, place)],
            BLUE.stroke_width(3),
        )))?;
        chart.draw_series(std::iter::once(Circle::new(
            (ratio.median, place),
            5,
            BLUE.filled(),
        )))?;
        if let Some(aim) = row.aim {
            let mark = if row.metric.better == Better::Higher {
                "|>"
            } else {
                "<|"
            };
            let style = ("sans-serif", 16).into_font().color(&RED);
            chart.draw_series(std::iter::once(Text::new(mark, (aim, place), style)))?;
        }
    }
    root.present()?;
    Ok(())
}

/// Every run of ours and of each yardstick.
fn runs(rows: &[(&Row, &Measured)], file: &Path) -> anyhow::Result<()> {
    let root = SVGBackend::new(file, (WIDTH, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let Some((first, ours)) = rows.first() else {
        return Ok(());
    };
    let mut lines: Vec<(&str, &Spread)> = vec![("ours", &ours.ours)];
    lines.extend(
        rows.iter()
            .filter_map(|(row, m)| Some((row.yardstick, m.yardstick.as_ref()?))),
    );
    let high = lines
        .iter()
        .map(|(_, spread)| spread.max)
        .fold(f64::MIN_POSITIVE, f64::max);
    let low = lines
        .iter()
        .map(|(_, spread)| spread.min)
        .fold(high, f64::min);
    let count = ours.ours.runs.len().max(2);
    let mut chart = ChartBuilder::on(&root)
        .caption(
            format!("{}: {}", first.figure, first.metric.name),
            ("sans-serif", 18),
        )
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(80)
        .build_cartesian_2d(1.0..count as f64, (low / 1.5..high * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("run")
        .x_labels(count)
        .draw()?;
    for (index, (name, spread)) in lines.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let points: Vec<(f64, f64)> = spread
            .runs
            .iter()
            .enumerate()
            .map(|(run, value)| (run as f64 + 1.0, *value))
            .collect();
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(
            points
                .into_iter()
                .map(|point| Circle::new(point, 3, colour.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    root.present()?;
    Ok(())
}
