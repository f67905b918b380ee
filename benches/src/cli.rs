//! The command line of the benchmark suite.

use crate::bed::{Bed, Size};
use crate::contest;
use crate::figure::{Figure, Row};
use crate::figures::FIGURES;
use crate::machine::Machine;
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
        tenfold-bench pooling/copy scan   one pair, and another figure\n\
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
    /// Runs of each side, after one that is not counted [default: 5; with --quick 2, and none uncounted]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
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
            if !known {
                let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
                bail!(
                    "there is no {name:?}: there are {} (--list shows the yardsticks)",
                    names.join(", ")
                );
            }
        }
        Ok(())
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
    let bed = Bed::new(size, args.runs.unwrap_or(size.runs));
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
    std::fs::create_dir_all(&args.out).with_context(|| format!("{}", args.out.display()))?;
    let file = args.out.join("results.json");
    let json = report::json(&machine, args.quick, bed.runs, &rows);
    std::fs::write(&file, format!("{json:#}\n")).with_context(|| format!("{}", file.display()))?;
    println!("{}", report::table(&rows));
    println!("{}", machine.caution(args.quick));
    let plots = plot::all(&rows, &args.out)?;
    println!("{} and {plots} plots beside it", file.display());
    Ok(rows.iter().all(|row| row.outcome.is_ok()))
}
