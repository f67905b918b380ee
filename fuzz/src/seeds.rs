//! Writes the seeds in `corpus` from the golden journals, the default policy and a few lines by hand. The
//! same again writes the same.

use prost::Message as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tenfold_domain::Timestamp;
use tenfold_domain::policy::Policy;
use tenfold_fuzz::{JOURNALS, decisions, input, records};
use tenfold_proto::lane::{External, InboxRecord, Relay, RelayedMessage, inbox_record::Content};
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::log::NewRecord;
use tenfold_runtime::log::embedded::stored::encode;

/// Most seeds of one target: enough to begin from, small enough to keep.
const SEEDS_MAX: usize = 40;

const JSON: &str = r#"{"barcode": "0012345678", "source": "s", "version": 2, "site": "s-01", "lab": null,
 "kind": "KIND_PERSON", "specimen_type": "np-swab", "sampling_class": "routine", "subjects": ["p-1", "é"],
 "collection_pool": true, "observed_swabs": 1, "collected_at": "2026-01-02T03:04:05+08:00",
 "isolation_repeat": false}"#;

const FILE: &str = "\u{FEFF}# Plate: P1\r\nSerial;SN-7\r\n\r\nWell;Sample;Target;Ct;Task\r\nA1;x;ORF1ab;28,1;\r\n\
A1;\"x;y\";N;Undetermined;\r\nH12;;IC;30.0;NTC\r\n";

fn main() -> std::io::Result<()> {
    let mut seeds: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for (service, text) in JOURNALS {
        // One of each size: what is alike teaches nothing.
        let by_size = |all: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
            let sizes: BTreeMap<usize, Vec<u8>> =
                all.into_iter().map(|b| (b.len() / 8, b)).collect();
            sizes.into_values().filter(|b| b.len() < 4_000).collect()
        };
        seeds
            .entry("journal")
            .or_default()
            .extend(by_size(records(text)).into_iter().take(12));
        let events = decisions(text).into_iter().flat_map(|d| d.events);
        let events = by_size(events.map(|e| e.to_vec()).collect());
        let inbox = format!("{service}.inbox");
        let messages = JOURNALS.iter().flat_map(|(_, text)| decisions(text));
        let messages = messages
            .flat_map(|d| d.messages)
            .filter(|m| m.topic == inbox)
            .map(|m| m.body.to_vec());
        let messages = by_size(messages.collect());
        for message in messages.iter().take(3) {
            seeds.entry("inbox").or_default().push(relay(message));
        }
        let lane = seeds.entry(service).or_default();
        lane.extend(messages.iter().map(|m| input(0, &[m])));
        lane.extend(events.iter().map(|e| input(1, &[e, b""])));
        let policy = Policy::default_text().as_bytes();
        lane.push(input(0, &[&external(policy)]));
    }
    let item = InboxRecord {
        content: Some(Content::External(External {
            origin: "seed".to_owned(),
            items: vec![b"item".to_vec().into()],
        })),
        ..InboxRecord::default()
    };
    seeds.entry("inbox").or_default().push(item.encode_to_vec());
    seeds.insert("json", vec![JSON.into()]);
    let posted = |kind: &str, content: &[u8]| [kind.as_bytes(), b"\n", content].concat();
    seeds.insert(
        "record",
        vec![
            posted("", JSON.as_bytes()),
            posted("application/json; charset=utf-8", JSON.as_bytes()),
            posted("application/x-protobuf", b"\x0a\x08ABCD1234\x22\x04s-01"),
        ],
    );
    let stored = |value: Vec<u8>| {
        let record = NewRecord {
            key: Some("key".into()),
            value: value.into(),
            headers: vec![("content-type".to_owned(), "text/plain".into())],
        };
        encode(Timestamp(1_767_225_600_000), record)
    };
    let text = Policy::default_text().as_bytes();
    let long = vec![text.to_vec(), vec![7; 5_000], vec![7; 70_000]];
    let stored: Vec<Vec<u8>> = long
        .into_iter()
        .chain([b"body".to_vec()])
        .map(stored)
        .collect();
    seeds.insert("stored", stored);
    let wide: Vec<u8> = FILE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files = vec![FILE.into(), FILE.replace(';', ",").into(), wide];
    seeds.insert("files", files);
    seeds.insert("policy", vec![Policy::default_text().into()]);
    for (target, all) in seeds {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(target);
        fs::create_dir_all(&folder)?;
        let step = all.len().div_ceil(SEEDS_MAX).max(1);
        for (at, seed) in all.iter().step_by(step).enumerate() {
            fs::write(folder.join(format!("seed-{at:02}")), seed)?;
        }
    }
    Ok(())
}

fn relay(message: &[u8]) -> Vec<u8> {
    let relay = Relay {
        stream_id: vec![7; 16].into(),
        from_service: "intake".to_owned(),
        from_lane: 0,
        first_n: 1,
        messages: vec![RelayedMessage {
            level: 1,
            body: message.to_vec().into(),
        }],
        prev_digest: Hash::default().to_bytes(),
    };
    InboxRecord {
        content: Some(Content::Relay(relay)),
        ..InboxRecord::default()
    }
    .encode_to_vec()
}

fn external(policy: &[u8]) -> Vec<u8> {
    use tenfold_proto::v1::{ExternalInput, PolicyActivated, external_input::Input};
    let policy = PolicyActivated {
        content: String::from_utf8_lossy(policy).into_owned(),
        version: 2,
    };
    ExternalInput {
        input: Some(Input::Policy(policy)),
    }
    .encode_to_vec()
}
