//! sled 1.0.0-alpha.124 has the whole system write what it holds of any file (the program `sync`) each time a store is opened. Beside
//! somebody who writes gigabytes that takes the better part of a second, in which nobody can read (decision 0604).

use std::time::{Duration, Instant};

/// What is left after a writing that took no longer is written while the store is opened.
const SHORT: Duration = Duration::from_millis(50);

/// Most writings: others go on making more to write.
const TIMES_MAX: usize = 4;

/// Has the system write what it holds, so that little is left to write when the store is opened.
pub fn write_all() {
    for _ in 0..TIMES_MAX {
        let began = Instant::now();
        rustix::fs::sync();
        if began.elapsed() < SHORT {
            break;
        }
    }
}
