//! A picture of each number of a curve: its size across, the number upwards.

use super::{Number, Walked};
use anyhow::Context as _;
use plotters::prelude::*;
use std::path::Path;

const WIDE: u32 = 900;
const HIGH: u32 = 420;

/// Draws `CURVE-NUMBER.svg` for each number that was measured. Answers how many.
///
/// # Errors
/// A file cannot be written.
pub fn pictures(walked: &Walked, folder: &Path) -> anyhow::Result<usize> {
    let mut drawn = 0;
    for (at, number) in walked.curve.numbers.iter().enumerate() {
        let name = crate::plot::file_name(walked.curve.name, number.metric.name);
        let done =
            picture(walked, at, number, &folder.join(&name)).with_context(|| name.clone())?;
        drawn += usize::from(done);
    }
    Ok(drawn)
}

/// Least, middle and most at each size; what it may be in red: at most, or the smallest size's by the growth allowed.
fn picture(walked: &Walked, at: usize, number: &Number, file: &Path) -> anyhow::Result<bool> {
    let points: Vec<(f64, [f64; 3])> = walked
        .points
        .iter()
        .filter_map(|point| {
            let spread = point.values.get(at)?.as_ref()?;
            Some((point.size as f64, [spread.min, spread.median, spread.max]))
        })
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(false);
    };
    let allowed = number.at_most.or_else(|| Some(number.growth? * first.1[1]));
    let values = points.iter().flat_map(|(_, spread)| *spread).chain(allowed);
    // From zero: a curve that is flat looks flat.
    let high = values.fold(f64::MIN_POSITIVE, f64::max) * 1.15;
    let root = SVGBackend::new(file, (WIDE, HIGH)).into_drawing_area();
    root.fill(&WHITE)?;
    let across = (first.0 / 1.3..last.0 * 1.3).log_scale();
    let mut chart = ChartBuilder::on(&root)
        .caption(
            format!("{}: {}", walked.curve.name, number.metric.name),
            ("sans-serif", 18),
        )
        .margin(8)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(across, 0.0..high)?;
    chart.configure_mesh().x_desc(walked.curve.axis).draw()?;
    if let Some(allowed) = allowed {
        let ends = [(first.0 / 1.3, allowed), (last.0 * 1.3, allowed)];
        chart.draw_series(LineSeries::new(ends, RED.stroke_width(1)))?;
    }
    let middle = points.iter().map(|(size, spread)| (*size, spread[1]));
    chart.draw_series(LineSeries::new(middle.clone(), BLUE.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|(size, spread)| {
        PathElement::new(
            [(*size, spread[0]), (*size, spread[2])],
            BLUE.stroke_width(1),
        )
    }))?;
    chart.draw_series(middle.map(|point| Circle::new(point, 4, BLUE.filled())))?;
    root.present()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bed::{Bed, Size};
    use crate::curve::measure;
    use crate::curve::tests::{BEYOND, SIDEWAYS};

    #[test]
    fn every_number_has_its_picture_from_one_size_on() {
        let bed = Bed::new(Size::QUICK, 1);
        for curve in [&SIDEWAYS, &BEYOND] {
            let folder = tempfile::tempdir().expect("a folder");
            let drawn = pictures(&measure(&bed, curve, 1), folder.path()).expect("drawn");
            assert_eq!(drawn, 2);
            let text = std::fs::read_to_string(folder.path().join("sideways-us-a-thing.svg"));
            assert!(text.expect("a picture").contains("things"));
        }
    }
}
