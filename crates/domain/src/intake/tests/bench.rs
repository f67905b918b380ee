//! A lane of intake in memory, with the clock in hand.

use crate::ids::{Barcode, LabId, TubeId};
use crate::intake::barcode::Rulebook;
use crate::intake::board::{Gauge, LabBoard};
use crate::intake::change;
use crate::intake::custody;
use crate::intake::decide::{Context, Decision, Outgoing, activate};
use crate::intake::event::Event;
use crate::intake::recollection;
use crate::intake::register::{Origin, Receipt, register, take};
use crate::intake::registration::Registration;
use crate::intake::state::Entry;
use crate::intake::{evolve, query, watch};
use crate::message::{
    CardDropped, FinalResult, Message, Recollected, RecollectionOrder, RecollectionRegistered,
    SampleClosed, SampleFiled, SamplesFiled, TubeSeen,
};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::sample::Kind;
use crate::tables::{MemoryTables, ReadExt};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// One lane.
pub struct Lane {
    pub state: MemoryTables,
    pub rulebook: Rulebook,
    pub now: Timestamp,
    pub sent: Vec<Outgoing>,
    pub events: Vec<Event>,
}

impl Lane {
    /// Without a policy.
    pub fn empty() -> Self {
        Self {
            state: MemoryTables::default(),
            rulebook: Rulebook::default(),
            now: START,
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    /// With the default policy and a second lab.
    pub fn new() -> Self {
        let mut lane = Self::empty();
        let mut policy = Policy::parse(Policy::default_text()).expect("valid");
        let lab = policy.labs.values().next().cloned().expect("a lab");
        policy.labs.insert("lab-2".into(), lab);
        let context = lane.context();
        let decision = activate(context, policy.to_toml(), 1).expect("activated");
        lane.apply(decision);
        lane
    }

    fn context(&self) -> Context<'_> {
        Context {
            state: &self.state,
            rulebook: &self.rulebook,
            now: self.now,
        }
    }

    fn apply<A>(&mut self, decision: Decision<A>) -> A {
        for event in decision.events {
            evolve(&mut self.state, &event, self.now).expect("folds");
            self.events.push(event);
        }
        self.sent.extend(decision.messages);
        self.check_board();
        decision.answer
    }

    pub fn register(&mut self, registration: Registration) -> Result<Receipt, Rejection> {
        let decision = register(self.context(), registration, Origin::Call)?;
        Ok(self.apply(decision))
    }

    pub fn take(
        &mut self,
        registration: Registration,
        sequence: u64,
    ) -> Result<Receipt, Rejection> {
        let decision = take(self.context(), registration, sequence);
        self.apply(decision)
    }

    pub fn amend(&mut self, registration: Registration) -> Result<Receipt, Rejection> {
        let decision = change::amend(self.context(), registration)?;
        Ok(self.apply(decision))
    }

    pub fn cancel(&mut self, barcode: &str) -> Result<Receipt, Rejection> {
        let decision = change::cancel(self.context(), &barcode.into(), "left the queue")?;
        Ok(self.apply(decision))
    }

    pub fn seen(&mut self, barcode: &str, lab: &str, tube: u64) {
        self.seen_by_one_who_knows(None, barcode, lab, tube);
    }

    pub fn seen_by_one_who_knows(
        &mut self,
        known_version: Option<u32>,
        barcode: &str,
        lab: &str,
        tube: u64,
    ) {
        let seen = TubeSeen {
            known_version,
            barcode: barcode.into(),
            lab: lab.into(),
            tube: TubeId::new(lab, tube),
            received_at: self.now,
        };
        let decision = custody::seen(self.context(), seen);
        self.apply(decision);
    }

    pub fn closed(&mut self, barcode: &str, result: FinalResult) -> Result<(), Rejection> {
        let closing = SampleClosed {
            barcode: barcode.into(),
            tube: TubeId::new("lab-1", 1),
            report_version: 1,
            result,
            reported_at: self.now,
        };
        let decision = custody::closed(self.context(), closing)?;
        self.apply(decision);
        Ok(())
    }

    /// Results has filed lab-1's tube of a barcode, at this version of its registration.
    pub fn filed(&mut self, barcode: &str, tube: u64, version: u32) {
        let sample = SampleFiled {
            barcode: barcode.into(),
            tube,
            version,
        };
        let message = SamplesFiled {
            lab: "lab-1".into(),
            samples: vec![sample],
        };
        let decision = custody::filed(self.context(), &message);
        self.apply(decision);
    }

    /// Results has dropped its card of a lab's tube; true if something followed from it.
    pub fn dropped(&mut self, barcode: &str, lab: &str, tube: u64) -> bool {
        let message = CardDropped {
            barcode: barcode.into(),
            tube: TubeId::new(lab, tube),
        };
        let decision = custody::dropped(self.context(), &message);
        let events = decision.events.len();
        self.apply(decision);
        events > 0
    }

    pub fn ordered(&mut self, order: u64, barcode: &str, subject: &str) {
        let order = RecollectionOrder {
            order: crate::ids::OrderId::new("lab-1", order),
            barcode: barcode.into(),
            subject: subject.into(),
            reason: "pool positive".to_owned(),
            ordered_at: self.now,
            due: self.now.plus(Millis::from_hours(6)),
        };
        let decision = recollection::ordered(self.context(), order);
        self.apply(decision);
    }

    /// Delivers the `Recollected` messages that were sent, as the other lane would get them.
    pub fn deliver_recollected(&mut self) {
        let (mine, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sent)
            .into_iter()
            .partition(|m| matches!(m.message, Message::Recollected(_)));
        self.sent = rest;
        for outgoing in mine {
            if let Message::Recollected(new) = outgoing.message {
                self.recollected(new);
            }
        }
    }

    pub fn recollected(&mut self, new: Recollected) {
        let decision = recollection::replaced(self.context(), new);
        self.apply(decision);
    }

    /// An order of lab-1 waits for a sample's result.
    pub fn awaited(&mut self, order: u64, barcode: &str) -> Result<(), Rejection> {
        let awaited = RecollectionRegistered {
            order: crate::ids::OrderId::new("lab-1", order),
            barcode: barcode.into(),
        };
        let decision = recollection::awaited(self.context(), awaited)?;
        self.apply(decision);
        Ok(())
    }

    /// Lets time pass, timers firing at their moments.
    pub fn pass(&mut self, length: Millis) {
        let until = self.now.plus(length);
        for _ in 0..100_000 {
            match watch::next(&self.state) {
                Some(due) if due <= until => self.now = self.now.max(due),
                _ => {
                    self.now = until;
                    return;
                }
            }
            assert!(watch::due(&self.state, self.now, 10) > 0);
            let decision = watch::check(self.context());
            self.apply(decision);
        }
        panic!("a watch is never done with");
    }

    pub fn entry(&self, barcode: &str) -> Option<Entry> {
        query::entry(&self.state, &Barcode::from(barcode))
    }

    pub fn gauge(&self, lab: &str, gauge: Gauge) -> u64 {
        let board = self.state.get::<LabBoard>(&lab.to_owned());
        board.unwrap_or_default().gauge(gauge)
    }

    /// Messages since the last call, as (lab or barcode, name).
    pub fn sent(&mut self) -> Vec<(String, &'static str)> {
        let name = |message: &Message| match message {
            Message::SampleDetails(_) => "details",
            Message::SampleWithdrawn(_) => "withdrawn",
            Message::CustodyConflict(_) => "conflict",
            Message::Recollected(_) => "recollected",
            Message::RecollectionRegistered(_) => "order fulfilled",
            Message::RecollectionFound(_) => "result found",
            Message::MemberAmended(_) => "amended",
            Message::SamplesFiled(_) => "filed",
            _ => "another",
        };
        std::mem::take(&mut self.sent)
            .into_iter()
            .map(|m| (m.key, name(&m.message)))
            .collect()
    }

    /// INV-01, intake's part: the gauges are the entries, counted anew.
    fn check_board(&self) {
        let mut counted: BTreeMap<(LabId, usize), u64> = BTreeMap::new();
        for (_, entry) in self.state.all::<Entry>() {
            let lab = entry.lab().cloned().unwrap_or_default();
            *counted
                .entry((lab, Gauge::of(&entry) as usize))
                .or_default() += 1;
        }
        for (lab, board) in query::board(&self.state) {
            for gauge in Gauge::ALL {
                let wanted = counted.remove(&(lab.clone(), gauge as usize)).unwrap_or(0);
                assert_eq!(board.gauge(gauge), wanted, "{lab} {gauge:?}");
            }
        }
        assert!(counted.is_empty(), "not on the board: {counted:?}");
    }
}

/// A single tube of one person, collected now.
pub fn single(barcode: &str) -> Registration {
    Registration {
        barcode: barcode.into(),
        site: "s-01".into(),
        kind: Some(Kind::Person),
        specimen_type: "np-swab".to_owned(),
        class: "routine".into(),
        subjects: vec!["p-1".into()],
        collected_at: Some(START),
        ..Registration::default()
    }
}

/// A collection pool of `n` persons.
pub fn collection(barcode: &str, n: usize) -> Registration {
    Registration {
        subjects: (1..=n).map(|k| format!("p-{k}").into()).collect(),
        collection_pool: true,
        ..single(barcode)
    }
}
