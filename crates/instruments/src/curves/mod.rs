//! Amplification curves, where a file has them beside its Cts. People look at them; no call is made from one, so what is
//! wrong with a curve spoils nothing else.
//!
//! | shape | found in | what names well, target and value |
//! |---|---|---|
//! | long | QuantStudio, Design & Analysis, 7500: amplification data | columns for each; the baseline taken off if the file has that |
//! | dyes | the same makers' multicomponent data, if there is nothing better | a column a dye |
//! | raw | LightCycler 480: raw data joined to the results | `SamplePos`, and the filter of the first line |
//! | wide | CFX: amplification results of a workbook | a column a well, a sheet a dye |
//!
//! RDML has its own ([`crate::readers`]); what is gathered is the same ([`Gathering`]).

mod gather;
mod shape;

pub(crate) use gather::Gathering;
pub(crate) use shape::is_of_curves;

use crate::metadata::Metadata;
use crate::opened::Opened;
use crate::refusal::Refusal;
use shape::Shape;

/// The fluorescence of one well and target, cycle by cycle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The well, `A1` to `P24`.
    pub well: String,
    /// The target, as the file's results call it; the dye where the file names no targets.
    pub target: String,
    /// Cycle and fluorescence, in the order of the cycles; each cycle is there once.
    pub points: Vec<(u16, f32)>,
}

/// The curves that stand beside a file's results.
///
/// # Errors
/// A table of them is beyond a bound, or damaged.
pub(crate) fn beside(opened: &mut Opened) -> Result<Vec<Curve>, Refusal> {
    let found: Vec<(usize, usize, Shape)> = (0..opened.parts.len())
        .filter_map(|part| {
            let head = &opened.parts.get(part)?.head;
            let (at, shape) = head
                .iter()
                .enumerate()
                .find_map(|(at, line)| Some((at, Shape::of(line, opened, part)?)))?;
            Some((part, at, shape))
        })
        .collect();
    let better = found.iter().any(|(_, _, shape)| !shape.is_of_dyes());
    let mut gathering = Gathering::default();
    for (part, header, shape) in found {
        if better && shape.is_of_dyes() {
            continue;
        }
        let block = Metadata::of(opened, part).block();
        let lines = opened.lines(part)?;
        let rows = lines.get(header.saturating_add(1)..).unwrap_or_default();
        let of_program = shape.program(rows);
        for line in rows.iter().filter(|line| of_program(line)) {
            shape.take(line, block, &mut gathering)?;
        }
    }
    Ok(gathering.curves())
}

/// A number as curves write it; thousands are set apart in some raw data, and a comma may be the decimal one.
fn number(cell: &str) -> Option<f32> {
    let plain = match (cell.contains('.'), cell.contains(',')) {
        (true, true) => cell.replace(',', ""),
        (false, true) => cell.replace(',', "."),
        _ => cell.to_owned(),
    };
    plain
        .trim()
        .parse()
        .ok()
        .filter(|number: &f32| number.is_finite())
}

/// A cycle; it may be printed as a float.
pub(crate) fn whole(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let nothing = rest.bytes().all(|byte| byte == b'0');
    whole.parse().ok().filter(|_| nothing)
}
