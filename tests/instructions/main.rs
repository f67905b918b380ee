//! What the rules cost, in instructions: no more than the committed baseline allows. The gate itself is a program of
//! `benches/`; what it counts and how is told there.

use tenfold_tests::process::{program, run};

#[test]
fn deciding_folding_encoding_decoding_and_applying_take_no_more_instructions_than_before() {
    let (status, said, told) = run(&program("tenfold-gate"), &[]);
    println!("{said}");
    assert!(status.success(), "{said}{told}");
}
