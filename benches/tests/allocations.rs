//! What a sample costs in allocations, on the steps of the hot path: no more than the committed baseline allows. Every
//! allocation of this program is counted, by the thread that makes it; so it is a program of its own.
//!
//! Zero was aimed at. It is not: `benches/allocations.json` says what it is, and this test keeps it from growing.
//! `make baseline` renews it.

use tenfold_bench::gate::allocations::{baseline, compare, counts, file};

/// Set, the baseline is written instead of compared with.
const WRITE: &str = "WRITE_BASELINE";

fn count(work: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn decoding_deciding_folding_and_encoding_a_sample_allocate_no_more_than_before() {
    let counts = counts(count).expect("the story goes as it must");
    if std::env::var_os(WRITE).is_some() {
        let text = format!("{:#}\n", baseline(&counts));
        std::fs::write(file(), text).expect("the baseline is written");
        return;
    }
    let text = std::fs::read_to_string(file());
    let text = text.expect("the baseline is missing: `make baseline` writes it");
    let baseline = serde_json::from_str(&text).expect("the baseline is JSON");
    match compare(&baseline, &counts) {
        Ok(told) => println!("{told}"),
        Err(more) => panic!("{more}"),
    }
}

#[test]
fn every_allocation_is_seen_and_a_growing_buffer_counts_again() {
    let counted = count(&mut || {
        let mut buffer: Vec<u8> = Vec::with_capacity(8);
        buffer.extend([0; 64]);
        std::hint::black_box(&buffer);
        std::hint::black_box(Box::new(7_u64));
    });
    assert_eq!(counted, 3, "one made, one grown, one box");
}
