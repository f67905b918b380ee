//! Anything, as a registration in JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = tenfold_intake::json::parse_json(data);
});
