//! Tubes, pools and wells to load.

use crate::lab::LAB;
use tenfold_domain::ids::{Barcode, PoolId, TubeId};
use tenfold_domain::message::{LoadedWell, Member};
use tenfold_domain::sample::{Kind, Sample};
use tenfold_domain::time::{Millis, Timestamp};
use tenfold_domain::well::{PlateSize, Well};

pub fn well(name: &str) -> Well {
    Well::parse(PlateSize::P96, name).expect("a well")
}

pub fn tube(number: u64) -> TubeId {
    TubeId::new(LAB, number)
}

pub fn barcode(number: u64) -> Barcode {
    Barcode::from(format!("TUBE{number:06}"))
}

pub fn sample(number: u64) -> Sample {
    Sample {
        barcode: barcode(number),
        version: 1,
        site: "s-01".into(),
        lab: LAB.into(),
        kind: Kind::Person,
        specimen_type: "np-swab".to_owned(),
        class: "routine".into(),
        subjects: vec![format!("person-{number}").into()],
        collection_pool: false,
        observed_swabs: None,
        collected_at: None,
        registered_at: Timestamp(1_767_220_000_000),
        collector: None,
        round: None,
        transport_box: None,
        flags: Vec::new(),
        hold: None,
        recollection_of: None,
    }
}

pub fn member(number: u64) -> Member {
    Member {
        tube: tube(number),
        sample: sample(number),
        withdrawn: false,
        round: 1,
        order: None,
        received_at: Timestamp(1_767_222_000_000),
        transferred_at: Timestamp(1_767_224_000_000),
        due: Timestamp(1_767_220_000_000).plus(Millis::from_hours(24)),
        policy: 1,
    }
}

/// A well with a lab pool.
pub fn pool(name: &str, number: u64, members: impl IntoIterator<Item = u64>) -> LoadedWell {
    LoadedWell {
        well: well(name),
        plated_at: Timestamp(1_767_224_500_000),
        pool: Some(PoolId::new(LAB, number)),
        members: members.into_iter().map(member).collect(),
    }
}

/// A well with one tube.
pub fn single(name: &str, member: Member) -> LoadedWell {
    LoadedWell {
        well: well(name),
        plated_at: Timestamp(1_767_224_500_000),
        pool: None,
        members: vec![member],
    }
}
