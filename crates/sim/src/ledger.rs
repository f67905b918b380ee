//! The ledger: a plain book of what was acknowledged, kept by those who asked. It knows nothing of lanes.

use bytes::Bytes;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1;
use tenfold_runtime::lane::calls;
use tenfold_runtime::processor::Answer;

/// One tube, and all that is known of it outside.
#[derive(Clone, Debug)]
pub struct Tube {
    /// What its site states, at the newest version stated.
    pub registration: v1::Registration,
    /// Its lab.
    pub lab: String,
    /// What is in it.
    pub truth: Truth,
    /// Of a collection tube: who has it.
    pub carrier: Option<String>,
    /// A version was acknowledged, or became durable in the inbox.
    pub acknowledged: Option<u32>,
    /// A cancellation was asked for.
    pub cancelling: bool,
    /// A cancellation was acknowledged.
    pub cancelled: bool,
    /// It was thrown away.
    pub discarded: bool,
    /// It is at a lab.
    pub received: bool,
}

/// What a receiver was told of one report.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The report, as it came first.
    pub report: v1::Report,
    /// It was accepted by the receiver.
    pub accepted: bool,
}

/// Whose liquid is where, by the hands that moved it.
#[derive(Clone, Debug, Default)]
pub struct Liquid {
    /// Barcode of each tube, by its id.
    pub tubes: BTreeMap<String, String>,
    /// Ids of tubes whose liquid is in each pool.
    pub pools: BTreeMap<String, BTreeSet<String>>,
    /// Pools that were spilled.
    pub spilled: BTreeSet<String>,
    /// Inhibited tubes that were extracted once.
    pub extracted: BTreeSet<String>,
    /// Seats that were acknowledged: pool and slot, and the tube's id.
    pub seats: BTreeMap<(String, u32), String>,
    /// Transfers whose record was acknowledged: pool and tube.
    pub recorded: BTreeSet<(String, String)>,
}

/// See the module.
#[derive(Default)]
pub struct Ledger {
    answers: BTreeMap<(String, String), Bytes>,
    /// Tubes by barcode.
    pub tubes: BTreeMap<String, Tube>,
    /// Liquid by lab.
    pub liquid: BTreeMap<String, Liquid>,
    /// Reports by barcode and version.
    pub reports: BTreeMap<(String, u32), Told>,
    /// Alerts by pool.
    pub alerts: BTreeMap<String, v1::PoolAlert>,
    /// Contents that nobody can read, put into inboxes on purpose.
    pub rubbish: BTreeSet<Bytes>,
    /// Registrations are still on their way through the router.
    pub routing: usize,
}

impl Ledger {
    /// Notes an answer. A second, different one under one request id must not be.
    pub fn answered(&mut self, actor: &str, id: &str, answer: &Answer) -> Option<String> {
        let bytes: Bytes = calls::to_wire(answer).encode_to_vec().into();
        let key = (actor.to_owned(), id.to_owned());
        match self.answers.get(&key) {
            None => {
                self.answers.insert(key, bytes);
                None
            }
            Some(known) if *known == bytes => None,
            Some(known) => Some(format!(
                "request {id} of {actor} was answered twice, differently: {:?} and {answer:?}",
                calls::from_wire(known)
            )),
        }
    }

    /// Number of requests answered.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.answers.len()
    }

    /// A lab's liquid.
    pub fn lab(&mut self, lab: &str) -> &mut Liquid {
        self.liquid.entry(lab.to_owned()).or_default()
    }

    /// The newest report of a barcode.
    #[must_use]
    pub fn newest(&self, barcode: &str) -> Option<&Told> {
        self.reports
            .range((barcode.to_owned(), 0)..=(barcode.to_owned(), u32::MAX))
            .next_back()
            .map(|(_, told)| told)
    }
}
