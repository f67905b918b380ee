//! Anything, to a lane of intake.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex, PoisonError};
use tenfold_fuzz::{bring, lane};
use tenfold_intake::IntakeProcessor;
use tenfold_runtime::driver::Driver;

static LANE: LazyLock<Mutex<Driver<IntakeProcessor>>> =
    LazyLock::new(|| Mutex::new(lane(IntakeProcessor::new())));

fuzz_target!(|data: &[u8]| {
    let mut lane = LANE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .fork(IntakeProcessor::new());
    bring(&mut lane, data);
});
