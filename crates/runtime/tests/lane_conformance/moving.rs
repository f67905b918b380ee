//! A log moves in the middle of its work: what was unread is read, what was answered is answered the same,
//! and a damaged archive is found out.

use crate::bed::{Bed, eventually};
use prost::Message;
use std::io::Read;
use std::sync::Arc;
use tenfold_proto::lane::{External, InboxRecord, inbox_record::Content};
use tenfold_runtime::archive::check::{LaneSum, check};
use tenfold_runtime::archive::import::import;
use tenfold_runtime::archive::{ArchiveError, write};
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::log::embedded::EmbeddedLog;
use tenfold_runtime::log::{Log, Retention, Topic, TopicPlan};

fn embedded() -> (tempfile::TempDir, Arc<EmbeddedLog>) {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(folder.path(), Default::default()).unwrap();
    (folder, Arc::new(log))
}

/// The topics that an archive needs.
fn plans(log: &dyn Log) -> Vec<TopicPlan> {
    let mut plans: Vec<TopicPlan> = Vec::new();
    for lane in log.cut().unwrap().lanes {
        if lane.lane == 0 {
            plans.push(TopicPlan {
                topic: lane.topic,
                lanes: lane.lanes,
                retention: Retention::Forever,
            });
        }
    }
    plans
}

/// Work that is cut off: an input unread, a message not received, answers given.
fn half_a_day(log: &Arc<EmbeddedLog>) -> Bed {
    let bed = Bed::new(Arc::clone(log) as Arc<dyn Log>);
    let a = bed.owner("a");
    assert_eq!(bed.command(&a, "1", "add 5").unwrap(), "5");
    bed.command(&a, "2", "tell pooling hello").unwrap();
    eventually("the message has left", || {
        let inbox = Topic::named(&format!("{}pooling.inbox", bed.prefix));
        log.extent(&inbox, 0).unwrap().end == 2
    });
    a.give_up();
    let unread = InboxRecord {
        content: Some(Content::External(External {
            origin: "a site".to_owned(),
            items: vec!["add 100".into()],
        })),
        traceparent: String::new(),
    };
    bed.stray(&Topic::inbox("intake"), unread.encode_to_vec());
    let registrations = Topic::named(&format!("{}reports", bed.prefix));
    log.store_position("router", &registrations, 0, 0).unwrap();
    bed
}

fn archived(log: &dyn Log) -> Vec<u8> {
    let mut file = Vec::new();
    write::write(log, &mut file, &mut |_, _| {}).unwrap();
    file
}

fn put_into(log: &dyn Log, plans: &[TopicPlan], file: &[u8]) -> Result<Vec<LaneSum>, ArchiveError> {
    let file = file.to_vec();
    let open = move || Ok(Box::new(std::io::Cursor::new(file.clone())) as Box<dyn Read>);
    import(log, plans, &open, &mut |_, _| {})
}

#[test]
fn a_moved_log_goes_on_where_it_was() {
    let (_old_folder, old) = embedded();
    let bed = half_a_day(&old);
    let file = archived(old.as_ref());
    let sums = check(&file[..]).unwrap();
    let (_folder, new) = embedded();
    let moved = put_into(new.as_ref(), &plans(old.as_ref()), &file).unwrap();
    assert_eq!(moved, sums);
    let again = check(&archived(new.as_ref())[..]).unwrap();
    assert_eq!(again, sums, "the same chain in every lane");
    assert!(
        sums.iter()
            .any(|sum| sum.chain.is_some_and(|chain| chain.seq >= 2))
    );
    let after = Bed {
        log: new.clone() as Arc<dyn Log>,
        prefix: bed.prefix.clone(),
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap(),
    };
    let a = after.owner("a");
    assert_eq!(a.epoch(), 2, "epochs go on");
    assert_eq!(after.command(&a, "1", "add 5").unwrap(), "5", "a repeat");
    eventually("the unread input is decided", || {
        after.ask(&a, "sum") == "105"
    });
    let p = after.node_of("pooling", "p", MemoryCache::default());
    p.take();
    eventually("the message arrives", || after.ask(&p, "notes") == "hello");
    after.command(&a, "3", "tell pooling again").unwrap();
    eventually("the next one too", || {
        after.ask(&p, "notes") == "hello,again"
    });
    let topic = Topic::named(&format!("{}reports", bed.prefix));
    assert_eq!(new.position("router", &topic, 0), Ok(Some(0)));
    after.agrees(&a);
}

#[test]
fn an_archive_goes_only_into_an_empty_log_with_as_many_lanes() {
    let (_old_folder, old) = embedded();
    half_a_day(&old);
    let (plans, file) = (plans(old.as_ref()), archived(old.as_ref()));
    let refused = put_into(old.as_ref(), &plans, &file).unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    let (_folder, new) = embedded();
    let mut more = plans.clone();
    more[0].lanes += 1;
    let refused = put_into(new.as_ref(), &more, &file).unwrap_err();
    assert!(refused.to_string().contains("lanes"), "{refused}");
    assert_eq!(new.cut().unwrap().lanes, [], "nothing was made");
}

#[test]
fn any_byte_that_is_changed_or_missing_is_found_out() {
    let (_folder, log) = embedded();
    half_a_day(&log);
    let file = archived(log.as_ref());
    check(&file[..]).unwrap();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(check(&damaged[..]).is_err(), "byte {at} was changed");
        assert!(check(&file[..at]).is_err(), "cut off at {at}");
    }
    let longer = [&file[..], b"x"].concat();
    assert!(check(&longer[..]).is_err(), "one more byte");
}
