//! `tenfold capacity`: what a city needs. The arithmetic is in `crates/capacity`.

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, ValueEnum};
use tenfold_capacity::machines::Machine;
use tenfold_capacity::{Advice, Costs, Lines, Mixed, Plan, advise};

/// Examples for `--help`.
pub const EXAMPLES: &str = "\
Examples:
  tenfold capacity                                              5 million people in 24 hours, ten swabs in a tube
  tenfold capacity --people 20000000 --hours 36 --labs 120
  tenfold capacity --mixed lab --prevalence 0.01                single tubes, pooled in the lab; one in a hundred is positive
  tenfold capacity --benches 40 --extractors 60 --instruments 90  when it clears with what there is, and what breaks first

Every default is an assumption: change what you know better. What a tube costs the services was measured: docs/capacity.md.";

/// Where swabs are mixed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Where {
    /// n swabs in one tube at the site
    Site,
    /// One swab a tube, n tubes into a pool in the lab
    Lab,
}

/// See `--help`.
#[derive(Args)]
pub struct Capacity {
    /// People to be tested once
    #[arg(long, default_value_t = Plan::default().people)]
    people: u64,
    /// Hours from the first swab to the last final result
    #[arg(long, default_value_t = Plan::default().hours)]
    hours: f64,
    /// People a pool
    #[arg(long, default_value_t = Plan::default().pool)]
    pool: u32,
    /// Where they are mixed
    #[arg(long, value_enum, default_value_t = Where::Site)]
    mixed: Where,
    /// Part of the people who are positive
    #[arg(long, default_value_t = Plan::default().prevalence, value_name = "PART")]
    prevalence: f64,
    /// Hours in which everybody is swabbed
    #[arg(long, default_value_t = Plan::default().collecting_hours, value_name = "HOURS")]
    collecting: f64,
    /// The busiest minute against the mean of those hours
    #[arg(long, default_value_t = Plan::default().peak, value_name = "TIMES")]
    peak: f64,
    /// Laboratories
    #[arg(long, default_value_t = Plan::default().labs)]
    labs: u32,
    /// Minutes from the swab to the lab's door
    #[arg(long, default_value_t = Plan::default().transport_minutes, value_name = "MINUTES")]
    transport: f64,
    /// Minutes from a suspect pool to the arrival of its people's new swabs
    #[arg(long, default_value_t = Plan::default().recollecting_minutes, value_name = "MINUTES")]
    recollecting: f64,
    /// Seconds a tube takes at a bench
    #[arg(long, default_value_t = Plan::default().scan_seconds, value_name = "SECONDS")]
    scan: f64,
    /// Specimens a plate
    #[arg(long, default_value_t = Plan::default().wells)]
    wells: u32,
    /// Minutes to plate and extract one plate
    #[arg(long, default_value_t = Plan::default().extraction_minutes, value_name = "MINUTES")]
    extraction: f64,
    /// Minutes of an instrument's run, with loading and review
    #[arg(long, default_value_t = Plan::default().run_minutes, value_name = "MINUTES")]
    run: f64,
    /// Benches there are, in all labs; with --extractors and --instruments
    #[arg(long, requires_all = ["extractors", "instruments"])]
    benches: Option<u32>,
    /// Extraction lines there are
    #[arg(long, requires_all = ["benches", "instruments"])]
    extractors: Option<u32>,
    /// Instruments there are
    #[arg(long, requires_all = ["benches", "extractors"])]
    instruments: Option<u32>,
    /// Cores of a machine that runs one instance of each service
    #[arg(long, default_value_t = Machine::default().cores)]
    cores: f64,
}

impl Capacity {
    fn plan(&self) -> Plan {
        Plan {
            people: self.people,
            hours: self.hours,
            pool: self.pool,
            mixed: match self.mixed {
                Where::Site => Mixed::AtTheSite,
                Where::Lab => Mixed::InTheLab,
            },
            prevalence: self.prevalence,
            collecting_hours: self.collecting,
            peak: self.peak,
            labs: self.labs,
            transport_minutes: self.transport,
            recollecting_minutes: self.recollecting,
            scan_seconds: self.scan,
            wells: self.wells,
            extraction_minutes: self.extraction,
            run_minutes: self.run,
        }
    }

    fn lines(&self) -> Option<Lines> {
        Some(Lines {
            benches: self.benches?,
            extractors: self.extractors?,
            instruments: self.instruments?,
        })
    }
}

/// Prints the answer. A round that does not clear in time is an answer, with exit code 1.
pub fn run(args: &Capacity, output: Output) -> Outcome {
    if !(args.cores > 0.0 && args.cores <= 1_024.0) {
        return Err(Failure::Usage(
            "--cores must be above 0, and at most 1,024".to_owned(),
        ));
    }
    let machine = Machine {
        cores: args.cores,
        ..Machine::default()
    };
    let advice = advise(args.plan(), args.lines(), &Costs::MEASURED, machine)
        .map_err(|refused| Failure::Usage(refused.to_string()))?;
    if output.is_json() {
        let value = serde_json::to_value(&advice).map_err(|e| Failure::Wrong(e.to_string()))?;
        output.value(&value);
    } else {
        tell(&advice, output);
    }
    late(&advice)
}

fn late(advice: &Advice) -> Outcome {
    let wanted = advice.plan.hours;
    match (advice.lines, advice.cleared.hours) {
        (None, _) => Err(Failure::Wrong(format!(
            "no number of lines clears this in {wanted} hours: collecting, transport, extraction, runs and new swabs alone take longer"
        ))),
        (_, Some(hours)) if hours <= wanted => Ok(()),
        (_, Some(hours)) => Err(Failure::Wrong(format!(
            "it clears after {hours:.1} hours, not {wanted}: {} break first",
            advice.limits.first().map_or("lines", |limit| limit.what)
        ))),
        (_, None) => Err(Failure::Wrong(
            "it does not clear within thirty days".to_owned(),
        )),
    }
}

fn tell(advice: &Advice, output: Output) {
    let row = |what: &str, value: String, how: &str| vec![what.to_owned(), value, how.to_owned()];
    let plan = &advice.plan;
    let machines = &advice.machines;
    let mut rows = vec![
        row(
            "people",
            count(plan.people as f64),
            &format!("{} a pool, within {} hours", plan.pool, plan.hours),
        ),
        row(
            "tubes",
            count(advice.tubes),
            &format!("{} a second at the peak", rate(machines.peak)),
        ),
        row(
            "pools",
            count(advice.pools),
            &format!("{:.2} % of them suspect", plan.suspect() * 100.0),
        ),
        row(
            "plates",
            count(advice.plates),
            &format!(
                "of {}; {} more for tests again",
                plan.wells,
                count(advice.retest_plates)
            ),
        ),
        row(
            "tests a person",
            format!("{:.3}", advice.tests_a_person),
            &format!("fewest with pools of {}", advice.best_pool),
        ),
    ];
    if let Some(lines) = advice.lines {
        let what = if advice.given {
            "as given"
        } else {
            "the fewest that clear in time"
        };
        let labs = f64::from(plan.labs);
        let a_lab = |count: u32| format!("{what}; {:.1} a lab", f64::from(count) / labs);
        rows.push(row(
            "benches",
            count(f64::from(lines.benches)),
            &a_lab(lines.benches),
        ));
        rows.push(row(
            "extraction lines",
            count(f64::from(lines.extractors)),
            &a_lab(lines.extractors),
        ));
        rows.push(row(
            "instruments",
            count(f64::from(lines.instruments)),
            &a_lab(lines.instruments),
        ));
    }
    if let (Some(first), Some(hours)) = (advice.cleared.first_hours, advice.cleared.hours) {
        rows.push(row(
            "hours to clear",
            format!("{hours:.1}"),
            &format!("first tests after {first:.1}"),
        ));
        rows.push(row(
            "most that waits",
            count(advice.cleared.waiting_scan),
            &format!(
                "tubes for a bench; {} wells for extraction, {} for an instrument",
                count(advice.cleared.waiting_extraction),
                count(advice.cleared.waiting_instrument)
            ),
        ));
    }
    rows.push(row(
        "instances",
        format!(
            "{} + {} + {}",
            machines.intake, machines.pooling, machines.results
        ),
        "intake, pooling, results; two of each at least, for one may die",
    ));
    rows.push(row(
        "lanes",
        format!("{} / {}", machines.intake_lanes, machines.other_lanes),
        "intake / pooling and results; fixed when topics are created",
    ));
    rows.push(row(
        "brokers",
        machines.brokers.to_string(),
        &format!("{} on their disks, three copies", bytes(machines.log_disk)),
    ));
    rows.push(row("caches", bytes(machines.cache_disk), "on disk"));
    rows.push(row(
        "processor time",
        format!("{:.1} h", machines.processor_hours),
        "of all services, for the whole round",
    ));
    output.rows(&["what", "how many", ""], rows, &serde_json::Value::Null);
    if !advice.limits.is_empty() {
        output.say("\nWhat breaks first, everything else plenty:");
        let rows = advice
            .limits
            .iter()
            .map(|limit| vec![limit.what.to_owned(), count(limit.people)])
            .collect();
        output.rows(
            &["what", "at so many people"],
            rows,
            &serde_json::Value::Null,
        );
    }
}

/// A whole number with commas.
fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn rate(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1}")
    } else {
        count(value)
    }
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = value / 1e3;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1e3 {
            break;
        }
        value /= 1e3;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(5_000_000.0), "5,000,000");
        assert_eq!(count(999.6), "1,000");
        assert_eq!(bytes(1_500.0), "1.5 kB");
        assert_eq!(bytes(2.5e12), "2.5 TB");
    }
}
