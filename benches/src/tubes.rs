//! The samples of a run: a lab on each lane, racks of 96 tubes, every tube registered.

use crate::packer::Packer;
use bytes::Bytes;
use prost::Message as _;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};
use tenfold_domain::policy::{Bench, BenchMode, Policy};
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{External, InboxRecord, Relay};
use tenfold_proto::v1;
use tenfold_runtime::lane_of;

/// Tubes in a rack.
pub const RACK: usize = 96;

/// Members of a pool, as the class `routine` of the default policy has it.
pub const POOL: usize = 10;

/// Pools that a rack makes: nine full ones, and one with the rest.
pub const POOLS_A_RACK: usize = RACK.div_ceil(POOL);

/// The bench of the liquid handler.
pub const BENCH: &str = "robot";

/// The bench at which tubes are scanned one by one.
pub const SCAN_BENCH: &str = "b1";

/// Labs, and the tubes of each.
#[derive(Clone, Debug)]
pub struct Load {
    /// Each has a lane of its own, in the order of the lanes; unless they are [`Load::spread`].
    pub labs: Vec<String>,
    /// Racks of each lab.
    pub racks: usize,
}

impl Load {
    /// So many labs, which are as many lanes.
    #[must_use]
    pub fn new(labs: u32, racks: usize) -> Self {
        Self {
            labs: one_each(labs, 0..10_000),
            racks,
        }
    }

    /// The same, and behind these labs another one on each lane.
    #[must_use]
    pub fn doubled(lanes: u32) -> Self {
        let mut load = Self::new(lanes, 0);
        load.labs.extend(one_each(lanes, 10_000..20_000));
        load
    }

    /// So many labs by their numbers, wherever their lanes are: several may share one.
    #[must_use]
    pub fn spread(labs: usize) -> Self {
        Self {
            labs: (0..labs).map(|number| format!("lab-{number}")).collect(),
            racks: 0,
        }
    }

    /// Lanes.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        u32::try_from(self.labs.len()).unwrap_or(u32::MAX)
    }

    /// Tubes of each lab.
    #[must_use]
    pub const fn tubes_a_lab(&self) -> usize {
        self.racks * RACK
    }

    /// All tubes.
    #[must_use]
    pub const fn tubes(&self) -> usize {
        self.labs.len() * self.tubes_a_lab()
    }

    /// All pools that they make.
    #[must_use]
    pub const fn pools(&self) -> usize {
        self.labs.len() * self.racks * POOLS_A_RACK
    }

    /// What intake tells pooling of one tube of a lab (by its lane), registered now.
    #[must_use]
    pub fn details(&self, lane: usize, number: usize) -> Bytes {
        self.details_at(lane, number, now_ms())
    }

    /// The same, registered at a moment.
    #[must_use]
    pub fn details_at(&self, lane: usize, number: usize, now: i64) -> Bytes {
        let stated = self.registration_at(lane, number, now);
        let sample = v1::Sample {
            barcode: stated.barcode,
            version: 1,
            site: stated.site,
            lab: stated.lab.unwrap_or_default(),
            kind: stated.kind,
            specimen_type: stated.specimen_type,
            sampling_class: stated.sampling_class,
            subjects: stated.subjects,
            collected_at: stated.collected_at,
            registered_at: now,
            ..Default::default()
        };
        let message = v1::message::Message::SampleDetails(sample);
        v1::Message {
            message: Some(message),
        }
        .encode_to_vec()
        .into()
    }

    /// What a site states of one tube of a lab at a moment, ten minutes after its collection.
    #[must_use]
    pub fn registration_at(&self, lane: usize, number: usize, now: i64) -> v1::Registration {
        v1::Registration {
            barcode: barcode(lane, number),
            site: "s-01".to_owned(),
            lab: self.labs.get(lane).cloned(),
            kind: v1::Kind::Person.into(),
            specimen_type: "np-swab".to_owned(),
            sampling_class: "routine".to_owned(),
            subjects: vec![format!("p-{lane:02}-{number:09}")],
            collected_at: Some(now - 600_000),
            ..Default::default()
        }
    }

    /// A lane's inbox: the policy, then the tubes of its lab, packed as intake packs them.
    #[must_use]
    pub fn inbox(&self, lane: usize) -> Vec<Bytes> {
        let mut records = vec![self.policy()];
        records.extend(self.packed(lane));
        records
    }

    /// The tubes of a lane's lab, packed into records as intake packs them.
    #[must_use]
    pub fn packed(&self, lane: usize) -> Vec<Bytes> {
        let bodies = (0..self.tubes_a_lab()).map(|number| self.details(lane, number));
        Packer::default().pack(bodies).collect()
    }

    /// The policy as the first record of a lane's inbox.
    #[must_use]
    pub fn policy(&self) -> Bytes {
        let external = External {
            origin: "bench".to_owned(),
            items: vec![policy_input(self)],
        };
        inbox_record(Content::External(external))
    }

    /// The default policy, with these labs, each with a bench for racks.
    #[must_use]
    pub fn policy_text(&self) -> String {
        let Ok(mut policy) = Policy::parse(Policy::default_text()) else {
            return String::new();
        };
        if let Some(lab) = policy.labs.values().next().cloned() {
            for name in &self.labs {
                policy.labs.insert(name.as_str().into(), lab.clone());
                let bench = Bench {
                    mode: BenchMode::Rack,
                    assay: None,
                };
                policy
                    .pooling
                    .benches
                    .insert(format!("{name}/{BENCH}"), bench);
            }
        }
        policy.to_toml()
    }
}

/// A lab for each lane, with its number from these.
fn one_each(lanes: u32, numbers: Range<u32>) -> Vec<String> {
    let names: BTreeMap<u32, String> = numbers
        .map(|number| format!("lab-{number}"))
        .map(|name| (lane_of(&name, lanes), name))
        .collect();
    names.into_values().collect()
}

/// The policy of a load, as it comes from outside.
#[must_use]
pub fn policy_input(load: &Load) -> Bytes {
    let policy = v1::PolicyActivated {
        content: load.policy_text(),
        version: 1,
    };
    let input = v1::ExternalInput {
        input: Some(v1::external_input::Input::Policy(policy)),
    };
    input.encode_to_vec().into()
}

/// A rack that came with these tubes, from A1 on.
#[must_use]
pub fn arrival(lab: &str, rack: &str, barcodes: &[String]) -> v1::ReceiveRequest {
    let positions = barcodes
        .iter()
        .enumerate()
        .map(|(index, barcode)| v1::RackPosition {
            position: place(index),
            found: Some(v1::rack_position::Found::Barcode(barcode.clone())),
        });
    let contains = v1::RackContains {
        rack: rack.to_owned(),
        positions: positions.collect(),
    };
    v1::ReceiveRequest {
        lab: lab.to_owned(),
        actor: "bench".to_owned(),
        request_id: format!("rack-{rack}"),
        arrival: Some(v1::receive_request::Arrival::Rack(contains)),
    }
}

/// A tube's barcode, by its lane and number.
#[must_use]
pub fn barcode(lane: usize, number: usize) -> String {
    format!("B{lane:02}{number:09}")
}

/// A position of a rack, by its place from 0: A1 to A12, then B1.
#[must_use]
pub fn place(index: usize) -> String {
    let row = u8::try_from(index / 12).unwrap_or(u8::MAX);
    format!("{}{}", char::from(b'A'.saturating_add(row)), index % 12 + 1)
}

/// The place from 0 of such a position.
#[must_use]
pub fn index(place: &str) -> Option<usize> {
    let (row, column) = place.split_at_checked(1)?;
    let row = row.bytes().next()?.checked_sub(b'A')?;
    let column = column.parse::<usize>().ok()?.checked_sub(1)?;
    Some(usize::from(row) * 12 + column)
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn relayed(relay: Relay) -> Bytes {
    inbox_record(Content::Relay(relay))
}

fn inbox_record(content: Content) -> Bytes {
    InboxRecord {
        content: Some(content),
        traceparent: String::new(),
    }
    .encode_to_vec()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lab_has_the_lane_of_its_place() {
        let load = Load::new(4, 1);
        assert_eq!(load.labs.len(), 4);
        for (lane, lab) in load.labs.iter().enumerate() {
            assert_eq!(lane_of(lab, 4) as usize, lane);
        }
    }

    #[test]
    fn a_doubled_load_has_two_labs_on_each_lane() {
        let load = Load::doubled(8);
        let lanes: Vec<u32> = load.labs.iter().map(|lab| lane_of(lab, 8)).collect();
        assert_eq!(lanes[..8], lanes[8..]);
        assert_ne!(load.labs[..8], load.labs[8..]);
    }

    #[test]
    fn a_position_tells_its_place() {
        for at in 0..RACK {
            assert_eq!(index(&place(at)), Some(at));
        }
        assert_eq!((index(""), index("A0"), index("1A")), (None, None, None));
    }

    #[test]
    fn the_policy_names_every_lab() {
        let load = Load::new(4, 1);
        let policy = Policy::parse(&load.policy_text()).expect("a policy");
        for lab in &load.labs {
            assert!(policy.labs.keys().any(|name| name.as_str() == lab), "{lab}");
        }
    }

    #[test]
    fn packed_records_hold_every_tube_once() {
        let load = Load::new(2, 12);
        let mut next = 1;
        for bytes in load.packed(1) {
            let record = InboxRecord::decode(bytes).expect("a record");
            let Some(Content::Relay(relay)) = record.content else {
                panic!("a relay is expected");
            };
            assert_eq!(relay.first_n, next);
            next += relay.messages.len() as u64;
        }
        assert_eq!(next as usize - 1, load.tubes_a_lab());
    }
}
