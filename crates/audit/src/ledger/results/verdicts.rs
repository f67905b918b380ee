//! What each report rests on: recorded transfers from the tube to a well, and a run in control that says
//! so (INV-05, INV-06, and that results follow).

use super::Results;
use super::plates::Plate;
use crate::calls::is_suspect;
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{TubeKey, well_name};
use crate::ledger::tubes::{Specimen, Test};
use prost::Message as _;
use tenfold_proto::v1::published_report::Cargo;
use tenfold_proto::v1::{PublishedReport, ReportGroup, Verdict, WellCall};

impl Results {
    pub(super) fn report(
        &mut self,
        book: &mut Book<'_>,
        key: TubeKey,
        group: &ReportGroup,
        verdict: Verdict,
        receivers: usize,
    ) {
        self.reports = self.reports.saturating_add(1);
        self.corrections = self
            .corrections
            .saturating_add(u64::from(group.replaces > 0));
        self.is_at_hand(book, key, "reported");
        let Some(tube) = self.tube(book, key) else {
            return;
        };
        let thawed = tube.thawed;
        let before = tube.results.clone();
        let results = &mut tube.results;
        results.version = group.version;
        results.verdict = verdict;
        results.closed = false;
        match verdict {
            Verdict::Retracted => results.finding = None,
            Verdict::Withdrawn => {
                results.finding = results.finding.or(Some(Verdict::Withdrawn));
            }
            other => results.finding = Some(other),
        }
        let last = before.version;
        let follows = group.version == last.saturating_add(1) && group.replaces == last;
        book.check(follows, Rule::Inv06, |labs| {
            format!(
                "tube {}: report {} that replaces {} follows report {last}",
                labs.tube_id(key),
                group.version,
                group.replaces
            )
        });
        let times = u32::try_from(receivers).unwrap_or(u32::MAX);
        self.issued.insert((key, group.version), (verdict, times));
        if self.repeats(key, &before, verdict) {
            return;
        }
        if let Err((rule, why)) = self.rests(key, &before, verdict, thawed) {
            let text = format!(
                "tube {} is reported {verdict:?}: {why}",
                book.labs.tube_id(key)
            );
            book.wrong(rule, text);
        }
    }

    /// A corrected report of a changed registration: the result is the one that stood.
    fn repeats(&self, key: TubeKey, before: &Specimen, verdict: Verdict) -> bool {
        self.amended.contains(&key)
            && (before.finding == Some(verdict) || before.version > 0 && before.verdict == verdict)
    }

    pub(super) fn suppress(&mut self, book: &mut Book<'_>, key: TubeKey, finding: Verdict) {
        self.suppressed = self.suppressed.saturating_add(1);
        let Some(tube) = self.tube(book, key) else {
            return;
        };
        let thawed = tube.thawed;
        let before = tube.results.clone();
        tube.results.finding = Some(finding);
        tube.results.closed = true;
        let at = book.at();
        book.tubes.ends.close(key, at);
        let result = if before.withdrawn {
            self.rests(key, &before, finding, thawed)
        } else {
            Err((
                Rule::Result,
                "its release is suppressed, and it is not cancelled".to_owned(),
            ))
        };
        if let Err((rule, why)) = result {
            let text = format!(
                "tube {} is found {finding:?}: {why}",
                book.labs.tube_id(key)
            );
            book.wrong(rule, text);
        }
    }

    /// Why a verdict does not follow, if it does not.
    fn rests(
        &self,
        key: TubeKey,
        tube: &Specimen,
        verdict: Verdict,
        thawed: bool,
    ) -> Result<(), (Rule, String)> {
        let wrong = |why: String| Err((Rule::Result, why));
        if verdict == Verdict::Withdrawn {
            return match (tube.withdrawn, tube.version) {
                (true, 1..) => Ok(()),
                (false, _) => wrong("it is not cancelled".to_owned()),
                (true, 0) => wrong("nobody was told anything before".to_owned()),
            };
        }
        let Some(test) = tube.tests.last() else {
            return wrong("it was on no plate".to_owned());
        };
        let Some(plate) = self.plates.get(&test.plate) else {
            return wrong("its plate is not known".to_owned());
        };
        if plate.current.is_none() || !plate.in_control {
            let why = format!("plate {} has no run in control", plate.barcode);
            return match verdict {
                Verdict::Negative => Err((Rule::Inv05, why)),
                _ => wrong(why),
            };
        }
        let call = plate
            .well(test.well)
            .map_or(WellCall::Unspecified, |w| w.call);
        let says = format!(
            "well {} of plate {} says {call:?}",
            well_name(test.well),
            plate.barcode
        );
        match verdict {
            Verdict::Negative => negative(tube, test, call, says),
            Verdict::Positive if test.pooled || tube.collection => {
                wrong(format!("{says}, and others were in it"))
            }
            Verdict::Positive if call == WellCall::Positive => Ok(()),
            Verdict::Inconclusive => {
                let again = tube.inconclusive > 0 || thawed;
                let unclear = matches!(call, WellCall::SingleTarget | WellCall::Grey);
                if again && unclear && !test.pooled {
                    Ok(())
                } else {
                    wrong(format!("{says}, after {} repeats", tube.inconclusive))
                }
            }
            Verdict::Recollect => {
                let collection = tube.collection && is_suspect(call);
                let again = thawed || self.was_invalid(plate, test);
                if collection || call == WellCall::Invalid && again {
                    Ok(())
                } else {
                    wrong(says)
                }
            }
            Verdict::Retracted if tube.version > 0 && !self.stands(key, tube, call) => Ok(()),
            _ => wrong(says),
        }
    }

    /// The result that stands is still what the well says.
    fn stands(&self, key: TubeKey, tube: &Specimen, call: WellCall) -> bool {
        !self.amended.contains(&key)
            && match tube.finding {
                Some(Verdict::Negative) => call == WellCall::Negative,
                Some(Verdict::Positive) => call == WellCall::Positive,
                _ => false,
            }
    }

    /// Somebody in this well had an invalid one before.
    fn was_invalid(&self, plate: &Plate, test: &Test) -> bool {
        plate
            .well(test.well)
            .is_some_and(|well| plate.tubes(well).any(|t| self.invalid.contains(&t)))
    }

    /// What the batch publishes is what it issued.
    pub(super) fn published(&mut self, book: &mut Book<'_>) {
        let mut issued = std::mem::take(&mut self.issued);
        let mut wrong = Vec::new();
        for message in &book.batch.decisions.messages {
            if message.topic != "reports" {
                continue;
            }
            let Ok(published) = PublishedReport::decode(message.body.clone()) else {
                wrong.push("a report that nobody can read is published".to_owned());
                continue;
            };
            let Some(Cargo::Report(report)) = published.cargo else {
                continue;
            };
            let key = book.labs.tube(&report.tube).unwrap_or_default();
            match issued.get_mut(&(key, report.version)) {
                Some((verdict, times)) if *verdict == report.verdict() && *times > 0 => {
                    *times -= 1;
                }
                _ => wrong.push(format!(
                    "report {} of {} is published as {:?}, and was not issued so",
                    report.version,
                    report.tube,
                    report.verdict()
                )),
            }
        }
        for ((key, version), (_, times)) in issued {
            if times > 0 {
                let tube = book.labs.tube_id(key);
                wrong.push(format!(
                    "report {version} of {tube} is missing for {times} receivers"
                ));
            }
        }
        for text in wrong {
            book.wrong(Rule::Inv06, text);
        }
    }
}

/// INV-05.
fn negative(
    tube: &Specimen,
    test: &Test,
    call: WellCall,
    says: String,
) -> Result<(), (Rule, String)> {
    let why = if call != WellCall::Negative {
        says
    } else if !test.recorded {
        format!("{says}, and no transfer of it into that well is recorded")
    } else if tube.suspect.is_some() && (test.pooled || tube.collection) {
        format!("{says}, its pool was suspect, and it was not tested alone since")
    } else {
        return Ok(());
    };
    Err((Rule::Inv05, why))
}
