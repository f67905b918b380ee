//! Anything, to a lane of results.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex, PoisonError};
use tenfold_fuzz::{bring, lane};
use tenfold_results::ResultsProcessor;
use tenfold_runtime::driver::Driver;

static LANE: LazyLock<Mutex<Driver<ResultsProcessor>>> =
    LazyLock::new(|| Mutex::new(lane(ResultsProcessor::new())));

fuzz_target!(|data: &[u8]| {
    let mut lane = LANE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .fork(ResultsProcessor::new());
    bring(&mut lane, data);
});
