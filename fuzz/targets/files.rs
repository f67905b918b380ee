//! Anything, as a file of any instrument: text, workbook, archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenfold_instruments::bounds::REACTIONS_MAX;

fuzz_target!(|data: &[u8]| {
    if let Ok(table) = tenfold_instruments::read(data, &[]) {
        assert!(table.reactions.len() <= REACTIONS_MAX);
    }
});
