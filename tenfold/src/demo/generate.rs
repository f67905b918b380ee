//! Makes the files of the demonstration's day, once; they are kept in `examples/day`.
//!
//! ```text
//! tenfold demo --generate examples/day
//! ```
//!
//! The same seed makes the same files. A day is registrations of nine sites for two labs, and the truth:
//! who is positive, and how strongly. Everybody whom the truth does not name is negative.

use crate::failure::{Failure, Outcome};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;

/// Makes the same day every time.
const SEED: u64 = 20_260_105;

/// First minute of collection, and how many minutes it takes.
const FIRST: &str = "2026-01-05T07:00:00+08:00";
const MINUTES: i64 = 210;

/// Tubes in a transport box: a rack.
const BOX: usize = 96;

/// A site's share of the day.
struct Share {
    site: &'static str,
    class: &'static str,
    kind: &'static str,
    specimen: &'static str,
    tubes: usize,
    /// Persons in each tube.
    persons: usize,
    /// Tubes with a strong positive, and with one so weak that a pool of ten shows it grey.
    strong: usize,
    weak: usize,
}

const fn share(
    site: &'static str,
    class: &'static str,
    tubes: usize,
    strong: usize,
    weak: usize,
) -> Share {
    Share {
        site,
        class,
        kind: "person",
        specimen: "np-swab",
        tubes,
        persons: 1,
        strong,
        weak,
    }
}

const DAY: &[Share] = &[
    share("s-01", "routine", 1_100, 4, 1),
    share("s-02", "routine", 900, 3, 1),
    share("s-03", "voluntary", 500, 1, 1),
    share("s-04", "routine", 900, 3, 1),
    Share {
        persons: 10,
        specimen: "op-swab",
        ..share("s-05", "regional-round", 260, 4, 0)
    },
    share("s-06", "key-population", 120, 1, 0),
    share("s-07", "fever-clinic", 150, 9, 1),
    share("s-08", "patient", 400, 2, 0),
    Share {
        kind: "object",
        specimen: "surface-swab",
        ..share("s-09", "object", 500, 1, 0)
    },
    Share {
        kind: "environment",
        specimen: "surface-swab",
        ..share("s-09", "environment", 300, 0, 0)
    },
];

/// Writes `registrations.csv` and `truth.csv`.
pub fn write(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let (registrations, truth) = make().map_err(|error| Failure::Usage(error.to_string()))?;
    std::fs::write(folder.join("registrations.csv"), registrations)?;
    std::fs::write(folder.join("truth.csv"), truth)?;
    Ok(())
}

fn make() -> Result<(Vec<u8>, Vec<u8>), Box<dyn std::error::Error>> {
    let mut chance = StdRng::seed_from_u64(SEED);
    let first: jiff::Timestamp = FIRST.parse()?;
    let mut rows = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    let mut truth = csv::Writer::from_writer(Vec::new());
    rows.write_record([
        "barcode",
        "site",
        "kind",
        "specimen_type",
        "sampling_class",
        "subjects",
        "collection_pool",
        "observed_swabs",
        "collected_at",
        "collector",
        "transport_box",
    ])?;
    truth.write_record(["barcode", "subject", "ct"])?;
    let mut kept: Vec<Vec<String>> = Vec::new();
    for (part, share) in DAY.iter().enumerate() {
        let positives = draw(&mut chance, share.tubes, share.strong + share.weak);
        for tube in 0..share.tubes {
            let minute = MINUTES * i64::try_from(tube)? / i64::try_from(share.tubes)?;
            let second = i64::from(chance.random_range(0_u8..60));
            let at = first.checked_add(jiff::SignedDuration::from_secs(minute * 60 + second))?;
            let barcode = format!("D001{part:02}{tube:05}");
            let subjects: Vec<String> = (0..share.persons)
                .filter(|_| share.kind == "person")
                .map(|_| format!("d001-{:012x}", chance.random::<u64>() >> 16))
                .collect();
            if let Some(rank) = positives.iter().position(|positive| *positive == tube) {
                let ct: f64 = if rank < share.strong {
                    chance.random_range(18.0..29.0)
                } else {
                    chance.random_range(34.2..35.4)
                };
                let who = chance.random_range(0..share.persons);
                let subject = subjects.get(who).map_or("", String::as_str);
                truth.write_record([&barcode, subject, &format!("{ct:.1}")])?;
            }
            let pool = share.persons > 1;
            let row = vec![
                barcode,
                share.site.to_owned(),
                share.kind.to_owned(),
                share.specimen.to_owned(),
                share.class.to_owned(),
                subjects.join(";"),
                if pool { "true" } else { "" }.to_owned(),
                if pool {
                    share.persons.to_string()
                } else {
                    String::new()
                },
                at.to_string(),
                format!("c-{:02}", chance.random_range(1..9)),
                format!("BOX-{part:02}-{:02}", tube / BOX + 1),
            ];
            rows.write_record(&row)?;
            if tube < 4 {
                kept.push(row);
            }
        }
    }
    dirty(&mut rows, &kept)?;
    Ok((rows.into_inner()?, truth.into_inner()?))
}

/// What goes wrong with files: each line has its answer in the report of rejected lines.
fn dirty(rows: &mut csv::Writer<Vec<u8>>, kept: &[Vec<String>]) -> csv::Result<()> {
    let changed = |row: &[String], column: usize, value: &str| {
        let mut row = row.to_vec();
        if let Some(cell) = row.get_mut(column) {
            value.clone_into(cell);
        }
        row
    };
    // The same again: already known, no harm.
    for row in kept.iter().step_by(7) {
        rows.write_record(row)?;
    }
    let mut bad = Vec::new();
    if let [first, second, third, fourth, ..] = kept {
        // The same barcode for another person: a conflict.
        bad.push(changed(first, 5, "d001-ffffffffffff"));
        bad.push(changed(&changed(second, 0, "D0019900001"), 2, "cat"));
        bad.push(changed(&changed(third, 0, "D0019900002"), 1, "s-99"));
        bad.push(changed(fourth, 0, "D001 99 003"));
        bad.push(changed(
            &changed(fourth, 0, "D0019900004"),
            4,
            "on-tuesdays",
        ));
        bad.push(vec!["D0019900005".to_owned(), "s-01".to_owned()]);
    }
    for row in bad {
        rows.write_record(&row)?;
    }
    Ok(())
}

/// `many` different numbers below `below`.
fn draw(chance: &mut StdRng, below: usize, many: usize) -> Vec<usize> {
    let mut drawn = Vec::new();
    while drawn.len() < many.min(below) {
        let number = chance.random_range(0..below);
        if !drawn.contains(&number) {
            drawn.push(number);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_day_are_those_that_this_code_makes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/day");
        let (registrations, truth) = make().expect("a day");
        let read = |name: &str| std::fs::read(folder.join(name)).expect("the example");
        assert!(
            read("registrations.csv") == registrations,
            "examples/day/registrations.csv is old"
        );
        assert!(read("truth.csv") == truth, "examples/day/truth.csv is old");
    }

    #[test]
    fn the_day_is_large_enough_and_compact() {
        let (registrations, _) = make().expect("a day");
        assert!(DAY.iter().map(|share| share.tubes).sum::<usize>() >= 5_000);
        assert!(registrations.len() < 1_000_000);
    }
}
