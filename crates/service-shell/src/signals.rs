//! When to stop: Ctrl-C or SIGTERM asks, a second one insists.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was told twice to stop and did not wait.
const TOLD_TWICE: i32 = 130;

/// Cancels `stop` at the first SIGINT or SIGTERM, and ends the process at the second.
///
/// # Errors
/// The system does not let us listen for signals.
pub fn listen(stop: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut told = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if told {
                // The log is the truth: nothing acknowledged is lost by leaving at once.
                std::process::exit(TOLD_TWICE);
            }
            told = true;
            tracing::info!("told to stop: finishing what has begun");
            stop.cancel();
        }
    });
    Ok(())
}
