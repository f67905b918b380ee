//! What every door of intake does before a lane: take off what the scanner added, find the lane, bound
//! what goes into an inbox record.

use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::intake::barcode::BARCODE_BYTES_MAX;
use tenfold_domain::intake::registration::{SUBJECT_BYTES_MAX, SUBJECTS_MAX, TEXT_BYTES_MAX};
use tenfold_domain::policy::Scanner;
use tenfold_proto::v1;
use tenfold_runtime::lane_of;

/// Most items of one inbox record: a lane decides them without a pause that a scan would feel.
pub const RECORD_ITEMS_MAX: usize = 256;
/// Most bytes of one inbox record's items.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// A registration above this is cut down before it enters: every legal one is far below.
const ITEM_BYTES_MAX: usize = 16 * 1024;

/// Registrations on their way to their lanes: filled one by one, handed out as records.
#[derive(Debug)]
pub struct Sorter {
    lanes: Vec<Vec<Chunk>>,
}

#[derive(Debug, Default)]
struct Chunk {
    items: Vec<Bytes>,
    bytes: usize,
}

impl Sorter {
    /// Nothing yet, for a service of this many lanes.
    #[must_use]
    pub fn new(lanes: u32) -> Self {
        let lanes = usize::try_from(lanes).unwrap_or(1).max(1);
        Self {
            lanes: std::iter::repeat_with(Vec::new).take(lanes).collect(),
        }
    }

    /// Adds a registration; what the scanner added to its barcode is taken off first.
    pub fn add(&mut self, scanner: &Scanner, mut registration: v1::Registration, sequence: u64) {
        strip(scanner, &mut registration);
        if registration.encoded_len() > ITEM_BYTES_MAX {
            clip(&mut registration);
        }
        let count = u32::try_from(self.lanes.len()).unwrap_or(1);
        let lane = lane_of(&registration.barcode, count);
        let item = item(registration, sequence);
        let chunks = usize::try_from(lane)
            .ok()
            .and_then(|lane| self.lanes.get_mut(lane));
        let Some(chunks) = chunks else { return };
        let fits = chunks.last().is_some_and(|chunk| {
            chunk.items.len() < RECORD_ITEMS_MAX
                && chunk.bytes.saturating_add(item.len()) <= RECORD_BYTES_MAX
        });
        if !fits {
            chunks.push(Chunk::default());
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.bytes = chunk.bytes.saturating_add(item.len());
            chunk.items.push(item);
        }
    }

    /// The records by lane, in the order added.
    pub fn into_records(self) -> impl Iterator<Item = (u32, Vec<Vec<Bytes>>)> {
        (0_u32..)
            .zip(self.lanes)
            .filter(|(_, chunks)| !chunks.is_empty())
            .map(|(lane, chunks)| (lane, chunks.into_iter().map(|c| c.items).collect()))
    }
}

/// Takes off what the scanner added to the barcodes of a registration.
pub fn strip(scanner: &Scanner, registration: &mut v1::Registration) {
    for barcode in
        std::iter::once(&mut registration.barcode).chain(&mut registration.recollection_of)
    {
        let plain = scanner.strip(barcode);
        if plain.len() < barcode.len() {
            *barcode = plain.to_owned();
        }
    }
}

fn item(registration: v1::Registration, sequence: u64) -> Bytes {
    let item = v1::RegistrationBatchItem {
        registration: Some(registration),
        sequence,
    };
    let input = v1::ExternalInput {
        input: Some(v1::external_input::Input::Registration(item)),
    };
    input.encode_to_vec().into()
}

/// Cuts every text to a little above what is allowed, so that the decision refuses it with the right
/// reason, and an inbox record stays bounded.
fn clip(r: &mut v1::Registration) {
    cut(&mut r.barcode, BARCODE_BYTES_MAX);
    for text in [
        &mut r.source,
        &mut r.site,
        &mut r.specimen_type,
        &mut r.sampling_class,
    ] {
        cut(text, TEXT_BYTES_MAX);
    }
    let optional = [
        &mut r.lab,
        &mut r.collector,
        &mut r.round,
        &mut r.transport_box,
        &mut r.recollection_of,
    ];
    for text in optional.into_iter().flatten() {
        cut(text, TEXT_BYTES_MAX);
    }
    r.subjects.truncate(SUBJECTS_MAX + 1);
    for subject in &mut r.subjects {
        cut(subject, SUBJECT_BYTES_MAX);
    }
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let end = text.ceil_char_boundary(most + 1);
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(barcode: &str) -> v1::Registration {
        v1::Registration {
            barcode: barcode.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn each_registration_goes_to_the_lane_of_its_barcode_without_what_the_scanner_added() {
        let scanner = Scanner {
            prefixes: vec!["]C1".to_owned()],
            terminators: vec!["\r".to_owned()],
        };
        let mut sorter = Sorter::new(16);
        sorter.add(&scanner, registration("]C1ABCD1234\r"), 7);
        let records: Vec<_> = sorter.into_records().collect();
        assert_eq!(records.len(), 1);
        let (lane, chunks) = &records[0];
        assert_eq!(*lane, lane_of("ABCD1234", 16));
        let input = v1::ExternalInput::decode(chunks[0][0].clone()).expect("an input");
        let Some(v1::external_input::Input::Registration(item)) = input.input else {
            panic!("no registration");
        };
        assert_eq!(item.sequence, 7);
        assert_eq!(item.registration, Some(registration("ABCD1234")));
    }

    #[test]
    fn records_are_bounded_in_items_and_bytes_and_none_is_lost() {
        let mut sorter = Sorter::new(1);
        let mut large = registration("ABCD1234");
        large.subjects = vec!["x".repeat(100); 60];
        for n in 0..1_000 {
            sorter.add(&Scanner::default(), registration("ABCD1234"), n);
            sorter.add(&Scanner::default(), large.clone(), n);
        }
        let mut giant = registration(&"é".repeat(1_000_000));
        giant.subjects = vec!["y".repeat(1_000); 1_000];
        giant.round = Some("z".repeat(1_000_000));
        sorter.add(&Scanner::default(), giant, 1_000);
        let chunks: Vec<_> = sorter.into_records().flat_map(|(_, c)| c).collect();
        assert_eq!(chunks.iter().map(Vec::len).sum::<usize>(), 2_001);
        for chunk in chunks {
            assert!(chunk.len() <= RECORD_ITEMS_MAX);
            let bytes = chunk.iter().map(Bytes::len).sum::<usize>();
            assert!(bytes <= RECORD_BYTES_MAX, "{bytes}");
        }
    }
}
