//! The sums at the cut (INV-01): every accepted sample is in exactly one place, and where two services
//! say different things of it, a message that is sent and not yet applied says why.

use super::Ledger;
use super::intake::Life;
use super::tubes::{Stage, Tube, Vessel};
use crate::about;
use crate::finding::{Findings, Rule};
use crate::lane::Service;
use crate::pairs::{About, Pairs};
use crate::source::PUBLIC;
use std::collections::{BTreeMap, HashMap, HashSet};

const FINAL: &str = "final";
/// Not accepted, so not in the sum.
const UNREGISTERED: &str = "received, not registered";

/// What is on its way from lane to lane.
struct OnTheWay(HashSet<(Service, About)>);

impl OnTheWay {
    fn of(pairs: &Pairs) -> Self {
        let mut all = HashSet::new();
        for (to, pair) in pairs.all().filter(|(to, _)| !PUBLIC.contains(&&*to.topic)) {
            let service = Service::ALL
                .into_iter()
                .find(|service| to.topic.starts_with(service.name()));
            if let Some(service) = service {
                all.extend(pair.in_flight().map(|about| (service, about)));
            }
        }
        Self(all)
    }

    fn has(&self, to: Service, kind: u8, barcode: u64) -> bool {
        let about = About {
            kind,
            subject: barcode,
        };
        self.0.contains(&(to, about))
    }
}

/// Where a sample with a tube is counted.
fn place(tube: &Tube) -> &'static str {
    let results = &tube.results;
    let waits = !results.orders.is_empty() || results.suspect.is_some();
    match tube.stage {
        Stage::Withdrawn => "withdrawn",
        Stage::Discarded => "thrown away",
        Stage::Closed => FINAL,
        _ if results.is_final() => FINAL,
        _ if tube.holds > 0 => "on hold",
        Stage::Waiting if tube.sample.is_none() => "details pending",
        Stage::Waiting => "waiting",
        Stage::Alone(Vessel::Ready) if tube.order.is_some() => "awaiting retest",
        Stage::Alone(_) if tube.order.is_some() => "in retest",
        _ if waits => "awaiting retest",
        Stage::Pooled(_) | Stage::Alone(_) => "pooled",
    }
}

/// See the module. Answers with the number of samples in each place.
pub fn close(
    ledger: &mut Ledger,
    pairs: &Pairs,
    findings: &mut Findings,
) -> BTreeMap<&'static str, u64> {
    let way = OnTheWay::of(pairs);
    let expected: HashSet<u64> = ledger
        .pooling
        .expected()
        .map(|(_, barcode)| barcode)
        .collect();
    let stages: HashMap<u64, Stage> = ledger.tubes.hot().map(|(k, t)| (k, t.stage)).collect();
    let tubes: HashMap<u64, &Tube> = ledger.tubes.hot().collect();
    let mut samples: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut count = |place: &'static str| {
        let count = samples.entry(place).or_default();
        *count = count.saturating_add(1);
    };
    let mut lost = |text: String, barcode: u64| {
        findings.add(Rule::Inv01, text, ledger.where_is(barcode));
    };
    let tubes_of: HashSet<u64> = tubes
        .values()
        .filter_map(|tube| Some(tube.sample?.barcode))
        .collect();
    for (barcode, known) in ledger.intake.open() {
        let key = known.tube;
        let tube = key.and_then(|key| tubes.get(&key).copied());
        match (known.life, key) {
            (Life::Seen, _) => count(UNREGISTERED),
            (Life::Withdrawn, _) => count("withdrawn"),
            (Life::Closed, _) => count(FINAL),
            (Life::Open, None) => {
                count("expected");
                let somewhere = expected.contains(&barcode)
                    || tubes_of.contains(&barcode)
                    || way.has(Service::Pooling, about::DETAILS, barcode)
                    || way.has(Service::Intake, about::SEEN, barcode)
                    || way.has(Service::Intake, about::CLOSED, barcode);
                if !somewhere {
                    lost(
                        "a sample is registered, and no lab expects it or has it".to_owned(),
                        barcode,
                    );
                }
            }
            (Life::Open, Some(key)) => {
                let told = way.has(Service::Intake, about::CLOSED, barcode);
                let Some(tube) = tube else {
                    count(FINAL);
                    if !told && !ledger.tubes.is_cold(key) {
                        lost("a registered sample's tube is nowhere".to_owned(), barcode);
                    } else if !told {
                        lost(
                            "a sample's tube is closed, and intake was not told".to_owned(),
                            barcode,
                        );
                    }
                    continue;
                };
                count(place(tube));
                let detailed = tube.stage.is_over()
                    || tube.sample.is_some_and(|sample| sample.barcode == barcode)
                    || way.has(Service::Pooling, about::DETAILS, barcode)
                    || tube.label != Some(barcode);
                if !detailed {
                    lost(
                        format!(
                            "tube {} is here and registered, and does not know it",
                            ledger.labs.tube_id(key)
                        ),
                        barcode,
                    );
                }
                if tube.stage == Stage::Closed && !told {
                    lost(
                        format!(
                            "tube {} is closed, and intake was not told",
                            ledger.labs.tube_id(key)
                        ),
                        barcode,
                    );
                }
            }
        }
    }
    for (pool, tube) in ledger.pooling.pools_agree(&stages) {
        let text = format!(
            "pool {} has tube {}, and that tube is {:?}",
            ledger.labs.pool_id(pool),
            ledger.labs.tube_id(tube),
            stages.get(&tube)
        );
        findings.add(Rule::Inv02, text, Vec::new());
    }
    for (key, tube) in &tubes {
        let Some(sample) = tube.sample else { continue };
        if !ledger.intake.is_registered(sample.barcode) {
            let text = format!(
                "tube {} has a registration that intake never accepted",
                ledger.labs.tube_id(*key)
            );
            findings.add(Rule::Inv01, text, Vec::new());
        }
    }
    let finals = samples.entry(FINAL).or_default();
    *finals = finals.saturating_add(ledger.intake.closed() + ledger.intake.dropped.count);
    let placed = samples.iter().filter(|(place, _)| **place != UNREGISTERED);
    let placed: u64 = placed.map(|(_, count)| *count).sum();
    if placed != ledger.intake.accepted {
        let text = format!(
            "{} samples were accepted, and {placed} are somewhere",
            ledger.intake.accepted
        );
        findings.add(Rule::Inv01, text, Vec::new());
    }
    samples
}
