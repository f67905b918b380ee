//! The command line of the benchmark suite.

use crate::bed::{Bed, Size};
use crate::contest;
use crate::curve::{self, Walked};
use crate::figure::{Figure, Row};
use crate::figures::{CURVES, FIGURES};
use crate::machine::Machine;
use crate::tubes::RACK;
use crate::{plot, report};
use anyhow::{Context as _, bail};
use clap::Parser;
use std::path::PathBuf;

/// Measure Tenfold against yardsticks in the same run, on this machine, in turn: ours, yardstick, ours, ...
///
/// Each line of the table is a ratio: the median of the runs, and the least and the most of them. Absolute figures stand
/// beside it and mean this machine at this hour. What a figure needs (Kafka, PostgreSQL, Java programs) is started
/// for it and gone afterwards; what cannot be started or measured is a line that says why.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  tenfold-bench --list              what there is, and how each yardstick is tuned\n  \
        tenfold-bench --quick             everything once, small: does it work here?\n  \
        tenfold-bench pooling             one figure against all its yardsticks\n  \
        tenfold-bench pooling/copy scan   one pair, and another figure\n  \
        tenfold-bench growth --sizes 1e5,1e6   what more samples cost, in minutes\n\
        \nRead the ratios of a release build on a quiet machine only: `make bench` builds one."
)]
pub struct Args {
    /// Figures (`pooling`) or pairs (`pooling/copy`) to measure; none = all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Show what there is, and end
    #[arg(long)]
    list: bool,
    /// Small sizes and two runs: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Runs of each side, after one that is not counted [default: 5; with --quick 2, and none uncounted]. Of curves, all runs
    /// count [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
    /// Sizes of `growth`, smallest first: samples in one lab; `growth-labs` spreads the first over its labs
    /// [default: 1e5,1e6,1e7]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', value_parser = size)]
    sizes: Vec<u64>,
    /// Where results.json and the plots go
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    out: PathBuf,
}

impl Args {
    fn wanted(&self, figure: &Figure, yardstick: Option<&str>) -> bool {
        self.names.is_empty()
            || self.names.iter().any(|name| match name.split_once('/') {
                None => name == figure.name,
                Some((first, second)) => first == figure.name && Some(second) == yardstick,
            })
    }

    fn check(&self) -> anyhow::Result<()> {
        for name in &self.names {
            let (first, second) = name
                .split_once('/')
                .map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
            let figure = FIGURES.iter().find(|figure| figure.name == first);
            let known = figure.is_some_and(|figure| {
                second.is_none_or(|second| figure.yardsticks.iter().any(|y| y.name == second))
            });
            let curve = second.is_none() && CURVES.iter().any(|curve| curve.name == first);
            if !known && !curve {
                let figures = FIGURES.iter().map(|figure| figure.name);
                let curves = CURVES.iter().map(|curve| curve.name);
                let names: Vec<&str> = figures.chain(curves).collect();
                bail!(
                    "there is no {name:?}: there are {} (--list shows the yardsticks)",
                    names.join(", ")
                );
            }
        }
        if !self.sizes.is_sorted_by(|a, b| a < b) {
            bail!("--sizes must grow: {:?}", self.sizes);
        }
        Ok(())
    }
}

/// Reads `100000`, `100_000` or `1e5`.
fn size(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    let number = plain.split_once(['e', 'E']).map_or_else(
        || plain.parse().ok(),
        |(digits, zeros)| {
            let tens = 10_u64.checked_pow(zeros.parse().ok()?)?;
            digits.parse::<u64>().ok()?.checked_mul(tens)
        },
    );
    match number {
        Some(number) if number >= RACK as u64 => Ok(number),
        Some(number) => Err(format!("{number} tubes fill no rack: {RACK} at least")),
        None => Err(format!(
            "{text:?} is no number of samples, such as 100000 or 1e5"
        )),
    }
}

/// Does what is asked for. False = some figure could not be measured.
///
/// # Errors
/// A name is unknown, or the results cannot be written.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    args.check()?;
    if args.list {
        print!("{}", report::list());
        return Ok(true);
    }
    let machine = Machine::look();
    let size = if args.quick { Size::QUICK } else { Size::FULL };
    let sizes = match &args.sizes[..] {
        [] => size.samples,
        given => given,
    };
    let bed = Bed::sized(size, args.runs.unwrap_or(size.runs), sizes.to_vec());
    println!("{machine}");
    let mut rows: Vec<Row> = Vec::new();
    for figure in FIGURES {
        let yardsticks: Vec<_> = figure
            .yardsticks
            .iter()
            .filter(|yardstick| args.wanted(figure, Some(yardstick.name)))
            .collect();
        if !yardsticks.is_empty() || (args.wanted(figure, None) && !figure.bounds.is_empty()) {
            rows.extend(contest::measure(&bed, figure, &yardsticks));
        }
    }
    let mut curves: Vec<Walked> = Vec::new();
    for curve in CURVES {
        if args.names.is_empty() || args.names.iter().any(|name| name == curve.name) {
            curves.push(curve::measure(&bed, curve, args.runs.unwrap_or(1)));
        }
    }
    std::fs::create_dir_all(&args.out).with_context(|| format!("{}", args.out.display()))?;
    let file = args.out.join("results.json");
    let json = report::json(&machine, args.quick, bed.runs, &rows, &curves);
    std::fs::write(&file, format!("{json:#}\n")).with_context(|| format!("{}", file.display()))?;
    if !rows.is_empty() {
        println!("{}", report::table(&rows));
    }
    for walked in &curves {
        println!("{}", curve::table(walked));
    }
    println!("{}", machine.caution(args.quick));
    let mut plots = plot::all(&rows, &args.out)?;
    for walked in &curves {
        plots += curve::pictures(walked, &args.out)?;
    }
    println!("{} and {plots} plots beside it", file.display());
    Ok(rows.iter().all(|row| row.outcome.is_ok())
        && curves.iter().all(|walked| walked.problem.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(given: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["tenfold-bench"], given].concat())
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = args(&["growth", "--sizes", "960,1e5,1_000_000"]).expect("sizes");
        assert_eq!(read.sizes, [960, 100_000, 1_000_000]);
        read.check().expect("right");
    }

    #[test]
    fn sizes_that_mean_nothing_are_refused_with_a_reason() {
        for (given, reason) in [
            ("95", "no rack"),
            ("many", "no number"),
            ("1e99", "no number"),
        ] {
            let error = args(&["--sizes", given]).expect_err("refused").to_string();
            assert!(error.contains(reason), "{error}");
        }
        let shrinking = args(&["--sizes", "1e6,1e5"]).expect("numbers");
        shrinking.check().expect_err("they shrink");
    }

    #[test]
    fn figures_pairs_and_curves_are_known_by_name_and_a_curve_has_no_yardstick() {
        for name in ["pooling", "pooling/copy", "growth"] {
            args(&[name]).expect("a name").check().expect("known");
        }
        for name in ["growht", "pooling/nobody", "growth/copy"] {
            let error = args(&[name]).expect("a name").check().expect_err("unknown");
            assert!(error.to_string().contains("growth"), "{error}");
        }
    }
}
