//! Opens sled with a bound on how long it may take.
//!
//! On some damage sled neither opens nor fails: with every slab emptied under a metadata log that names
//! them, it waits for itself while it gives up. A process that waited with it would never serve.

use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Longest opening. A start with a million samples takes under two seconds in all; what is given up here
/// wrongly costs a rebuild, and nothing else.
pub const OPENING_MAX: Duration = Duration::from_secs(60);

/// Opens a store on a thread of its own. One that does not answer in time is left to itself: nobody may
/// use its folder again.
///
/// # Errors
/// sled fails, panics, or does not answer within `longest`.
pub fn open<const LEAF: usize>(
    config: sled::Config,
    longest: Duration,
) -> io::Result<sled::Db<LEAF>> {
    let (done, opened) = sync_channel(1);
    std::thread::Builder::new()
        .name("cache-open".into())
        .spawn(move || {
            // sled may panic on a damaged file; that must not take the process down.
            let db = catch_unwind(|| config.open::<LEAF>())
                .unwrap_or_else(|_| Err(io::Error::other("sled panicked while opening")));
            // Nobody waits for it any more: then it is of no use either.
            let _ = done.send(db);
        })?;
    opened.recv_timeout(longest).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("sled did not open within {} s", longest.as_secs()),
        ))
    })
}
