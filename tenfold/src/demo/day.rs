//! The files of one day: those of the example, with the day's own barcodes, persons and times.

use crate::client::register::file;
use crate::failure::{Failure, Outcome};
use std::path::{Path, PathBuf};
use tenfold_proto::v1::Registration;

/// Time between the last collection and now.
const LAST_COLLECTED_MINUTES: i64 = 3;

/// The example, as it is committed: day 1.
const REGISTRATIONS: &str = include_str!("../../../examples/day/registrations.csv");
const TRUTH: &str = include_str!("../../../examples/day/truth.csv");

/// Name of the file that says who is positive.
const TRUTH_FILE: &str = "truth.csv";

/// The policy of the two labs of the example.
pub const POLICY: &str = include_str!("../../../examples/policy.toml");

/// One day's files.
pub struct Day {
    /// From 1.
    pub number: u32,
    /// Folder of its files.
    pub folder: PathBuf,
    /// The registrations that are right.
    pub registrations: Vec<Registration>,
}

/// The barcode of the first tube of a day: if it is known, that day was played.
pub fn first_barcode(number: u32) -> String {
    format!("D{number:03}0000000")
}

fn folder_of(number: u32) -> String {
    format!("day-{number:03}")
}

impl Day {
    /// Writes the files of day `number` into a folder of its own.
    pub fn write(number: u32, under: &Path) -> Outcome<Self> {
        let folder = under.join(folder_of(number));
        std::fs::create_dir_all(folder.join("runs"))?;
        let shift = shift(REGISTRATIONS)?;
        let own = |line: &str| {
            line.replace("D001", &format!("D{number:03}"))
                .replace("d001-", &format!("d{number:03}-"))
        };
        let mut lines = Vec::new();
        for line in REGISTRATIONS.lines() {
            lines.push(moved(&own(line), shift));
        }
        let day = Self {
            number,
            registrations: Vec::new(),
            folder,
        };
        std::fs::write(day.registrations_file(), lines.join("\n") + "\n")?;
        let truth: Vec<String> = TRUTH.lines().map(own).collect();
        std::fs::write(day.truth_file(), truth.join("\n") + "\n")?;
        let registrations = file::open(&day.registrations_file())?
            .filter_map(|line| line.registration.ok())
            .collect();
        Ok(Self {
            registrations: first_of_each(registrations),
            ..day
        })
    }

    /// Registrations as the sites send them, bad lines included.
    pub fn registrations_file(&self) -> PathBuf {
        self.folder.join("registrations.csv")
    }

    /// Who is positive.
    pub fn truth_file(&self) -> PathBuf {
        self.folder.join(TRUTH_FILE)
    }

    /// The truths of all days up to this one. A day that was killed may have left tubes in pools and queues: they come
    /// onto this day's plates, and what is in them has not changed.
    pub fn truth_files(&self) -> Vec<PathBuf> {
        (1..=self.number)
            .map(|number| self.folder.with_file_name(folder_of(number)))
            .map(|folder| folder.join(TRUTH_FILE))
            .filter(|file| file.exists())
            .collect()
    }

    /// The file of a run.
    pub fn run_file(&self, plate: &str) -> PathBuf {
        self.folder.join("runs").join(format!("{plate}.csv"))
    }
}

/// Registrations that will stand: the first of each barcode, of sites and classes that there are.
fn first_of_each(all: Vec<Registration>) -> Vec<Registration> {
    let mut seen = std::collections::HashSet::new();
    all.into_iter()
        .filter(|one| {
            one.site != "s-99"
                && one.sampling_class != "on-tuesdays"
                && !one.barcode.contains(' ')
                && seen.insert(one.barcode.clone())
        })
        .collect()
}

/// How far the example's times are from today's, in seconds.
fn shift(registrations: &str) -> Outcome<i64> {
    let last = registrations
        .lines()
        .filter_map(moment)
        .max()
        .ok_or_else(|| Failure::Usage("the example states no times".to_owned()))?;
    Ok(jiff::Timestamp::now().as_second() - LAST_COLLECTED_MINUTES * 60 - last.as_second())
}

fn moment(line: &str) -> Option<jiff::Timestamp> {
    line.split(',').nth(8)?.parse().ok()
}

fn moved(line: &str, shift: i64) -> String {
    let Some(at) = moment(line) else {
        return line.to_owned();
    };
    let Ok(then) = at.checked_add(jiff::SignedDuration::from_secs(shift)) else {
        return line.to_owned();
    };
    line.replacen(&at.to_string(), &then.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_barcodes_and_persons_of_its_own_and_times_just_past() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Day::write(1, folder.path()).expect("a day");
        let second = Day::write(2, folder.path()).expect("a day");
        assert_eq!(first.registrations.len(), second.registrations.len());
        assert!(first.registrations.len() >= 5_000);
        assert_eq!(second.registrations[0].barcode, first_barcode(2));
        let truths = [first.truth_file(), second.truth_file()];
        assert_eq!(
            second.truth_files(),
            truths,
            "old tubes hold what they held"
        );
        assert_eq!(first.truth_files(), truths[..1]);
        let now = jiff::Timestamp::now().as_millisecond();
        for (a, b) in first.registrations.iter().zip(&second.registrations) {
            assert_ne!(a.barcode, b.barcode);
            assert!(
                a.subjects
                    .iter()
                    .all(|subject| !b.subjects.contains(subject))
            );
            assert!(b.collected_at.is_some_and(|at| at < now));
        }
    }

    #[test]
    fn the_policy_of_the_example_is_right() {
        let problems = tenfold_domain::policy::Policy::parse(POLICY).err();
        assert_eq!(problems, None);
    }
}
