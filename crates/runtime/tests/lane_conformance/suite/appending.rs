//! Appends whose end is unknown, false or refused, and records that nobody should have written.

use super::journal;
use crate::bed::{Bed, Node, eventually};
use crate::faulty::Fault;
use bytes::Bytes;
use tenfold_domain::Code;
use tenfold_proto::lane::{Decisions, LaneOpened};
use tenfold_runtime::gateway::CallError;
use tenfold_runtime::lane::record::{self, Hash, Id};
use tenfold_runtime::lane::validity::Chain;

fn unknown(bed: &Bed, fault: Fault) -> Node {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    a.log.fail_next(&journal(), fault);
    assert_eq!(bed.command(&a, "2", "add 10").unwrap(), "11");
    assert_eq!(bed.command(&a, "3", "add 100").unwrap(), "111");
    assert_eq!(a.epoch(), 2, "the lane was taken again");
    a
}

pub(super) fn unknown_landed(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLanded);
    bed.agrees(&a);
}

pub(super) fn unknown_lost(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLost);
    bed.agrees(&a);
}

pub(super) fn unknown_late(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLate);
    assert_eq!(a.log.land_late(), 1);
    assert_eq!(bed.command(&a, "4", "add 1000").unwrap(), "1111");
    bed.agrees(&a);
}

pub(super) fn strays(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let never = Chain {
        epoch: 1,
        owner: Id([7; 16]),
        seq: 1,
        hash: Hash([7; 32]),
    };
    let strays: [Bytes; 5] = [
        Bytes::from_static(b"rubbish"),
        Bytes::new(),
        record::decisions(&never, 1, &Decisions::default()),
        record::decisions(&Chain { epoch: 9, ..never }, 1, &Decisions::default()),
        record::opened(1, Id([8; 16]), &LaneOpened::default()),
    ];
    for (n, stray) in strays.into_iter().enumerate() {
        bed.stray(&journal(), stray);
        bed.command(&a, &format!("s{n}"), "add 1").unwrap();
    }
    assert_eq!(bed.ask(&a, "sum"), "6");
    assert_eq!(a.epoch(), 1, "strays do not fence");
    bed.agrees(&a);
}

pub(super) fn false_offsets(bed: Bed) {
    let a = bed.owner("a");
    for (n, offset) in [None, Some(0), Some(1), Some(7_777)]
        .into_iter()
        .enumerate()
    {
        a.log.fail_next(&journal(), Fault::FalseOffset(offset));
        let sum = bed.command(&a, &format!("{n}"), "add 1").unwrap();
        assert_eq!(sum, (n + 1).to_string());
    }
    assert_eq!(a.epoch(), 1, "what stands in the journal counts");
    bed.agrees(&a);
}

pub(super) fn no_room(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    a.log.set_full(true);
    for id in ["2", "3", "2"] {
        let refused = bed.command(&a, id, "add 10").unwrap_err();
        let CallError::Rejected(rejection) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(rejection.code, Code::ResourceExhausted, "{rejection:?}");
        assert!(rejection.message.contains("no room"), "{rejection:?}");
        assert_eq!(bed.ask(&a, "sum"), "1", "what is committed can be read");
    }
    a.log.set_full(false);
    eventually("work goes on", || bed.command(&a, "2", "add 10").is_ok());
    assert_eq!(bed.command(&a, "2", "add 10").unwrap(), "11");
    assert_eq!(bed.command(&a, "3", "add 10").unwrap(), "21");
    bed.agrees(&a);
}
