//! Anything, to a lane of pooling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex, PoisonError};
use tenfold_fuzz::{bring, lane};
use tenfold_pooling::PoolingProcessor;
use tenfold_runtime::driver::Driver;

static LANE: LazyLock<Mutex<Driver<PoolingProcessor>>> =
    LazyLock::new(|| Mutex::new(lane(PoolingProcessor::new())));

fuzz_target!(|data: &[u8]| {
    let mut lane = LANE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .fork(PoolingProcessor::new());
    bring(&mut lane, data);
});
