//! The truth of the day: who is positive, and what must therefore be reported of each tube.

use crate::failure::{Failure, Outcome};
use std::collections::HashMap;
use std::path::Path;
use tenfold_proto::v1::{Registration, Verdict};

/// Who is positive, and how strongly. Everybody else is negative.
#[derive(Debug, Default)]
pub struct Truth {
    /// Ct of a single tube of this barcode.
    by_barcode: HashMap<String, f64>,
    /// Ct of a swab of this person.
    by_subject: HashMap<String, f64>,
    /// What must be reported of each barcode.
    expected: HashMap<String, Verdict>,
}

impl Truth {
    /// Learns from a file of `barcode,subject,ct`.
    pub fn learn(&mut self, path: &Path) -> Outcome {
        let wrong = |error: csv::Error| Failure::Usage(format!("{}: {error}", path.display()));
        let mut reader = csv::Reader::from_path(path).map_err(wrong)?;
        for record in reader.deserialize() {
            let (barcode, subject, ct): (String, String, f64) = record.map_err(wrong)?;
            if !subject.is_empty() {
                self.by_subject.insert(subject, ct);
            }
            self.by_barcode.insert(barcode, ct);
        }
        Ok(())
    }

    /// Takes note of a tube that is registered: what must become of it follows.
    pub fn expect(&mut self, registration: &Registration) {
        let positive = self.meet(&registration.barcode, &registration.subjects);
        let verdict = match (positive, registration.collection_pool) {
            (None, _) => Verdict::Negative,
            (Some(_), false) => Verdict::Positive,
            // Nobody knows whose swab it was: everybody must be swabbed again.
            (Some(_), true) => Verdict::Recollect,
        };
        self.expected.insert(registration.barcode.clone(), verdict);
    }

    /// Takes note of what is in a tube of these people, and answers its Ct: whoever is positive is so in every swab.
    pub fn meet(&mut self, barcode: &str, subjects: &[String]) -> Option<f64> {
        let of_subject = || subjects.iter().find_map(|one| self.by_subject.get(one));
        let ct = *self.by_barcode.get(barcode).or_else(of_subject)?;
        self.by_barcode.insert(barcode.to_owned(), ct);
        Some(ct)
    }

    /// What must be reported, by barcode.
    pub const fn expected(&self) -> &HashMap<String, Verdict> {
        &self.expected
    }

    /// The Ct of a well with these tubes: equal volumes are mixed, so each is diluted by their number.
    pub fn well(&self, barcodes: &[String]) -> Option<f64> {
        let copies: f64 = barcodes
            .iter()
            .filter_map(|barcode| self.by_barcode.get(barcode))
            .map(|ct| (-ct).exp2())
            .sum();
        let tubes = u32::try_from(barcodes.len()).unwrap_or(u32::MAX).max(1);
        (copies > 0.0).then(|| -(copies / f64::from(tubes)).log2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        Truth {
            by_barcode: HashMap::from([("A".to_owned(), 25.0), ("W".to_owned(), 34.5)]),
            by_subject: HashMap::from([("p".to_owned(), 25.0)]),
            ..Truth::default()
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn ten_tubes_in_a_pool_cost_three_and_a_third_cycles() {
        let alone = truth().well(&names(&["A"])).expect("a Ct");
        let pooled = truth()
            .well(&names(&["A", "b", "c", "d", "e", "f", "g", "h", "i", "j"]))
            .expect("a Ct");
        assert!((alone - 25.0).abs() < 0.001);
        assert!((pooled - 28.32).abs() < 0.01, "{pooled}");
        assert_eq!(truth().well(&names(&["b", "c"])), None);
    }

    #[test]
    fn a_weak_positive_is_grey_in_a_pool_of_ten_and_positive_alone() {
        let pool: Vec<String> = names(&["W", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
        let pooled = truth().well(&pool).expect("a Ct");
        assert!((37.0..40.0).contains(&pooled), "{pooled}");
    }

    #[test]
    fn a_swab_taken_again_of_a_positive_person_is_positive_whoever_registered_it() {
        let mut truth = truth();
        assert_eq!(truth.well(&names(&["again"])), None);
        truth.meet("again", &names(&["p"]));
        truth.meet("other", &names(&["o"]));
        assert_eq!(truth.well(&names(&["again"])), Some(25.0));
        assert_eq!(truth.well(&names(&["other"])), None);
        assert!(truth.expected().is_empty(), "it is no tube of this day");
    }

    #[test]
    fn a_positive_collection_pool_must_be_swabbed_again() {
        let mut truth = truth();
        let tube = |barcode: &str, subjects: &[&str], collection_pool| Registration {
            barcode: barcode.to_owned(),
            subjects: names(subjects),
            collection_pool,
            ..Registration::default()
        };
        truth.expect(&tube("P", &["o", "p"], true));
        truth.expect(&tube("S", &["p"], false));
        truth.expect(&tube("N", &["o"], false));
        assert_eq!(truth.expected()["P"], Verdict::Recollect);
        assert_eq!(truth.expected()["S"], Verdict::Positive);
        assert_eq!(truth.expected()["N"], Verdict::Negative);
    }
}
