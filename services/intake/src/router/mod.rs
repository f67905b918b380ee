//! The stateless router of the public topic `tenfold.registrations`: reads every partition from the
//! position stored for the group, finds each registration's lane, appends it to that lane's inbox, and
//! stores the position only behind what is durable there. So it is at least once, and what comes twice
//! is known by its content. Bytes that nobody can read go to a lane as such, for its dead letters.

mod partition;
mod record;

use crate::scanner::ScannerSettings;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::log::{Log, Topic};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use record::{Routed, read_record};

/// The topic's name without prefix.
pub const TOPIC: &str = "registrations";

/// The group whose positions are stored.
const GROUP: &str = "tenfold-intake-router";

/// Pause before the group is joined again after an error.
const JOIN_AGAIN: Duration = Duration::from_secs(2);

/// What a router works with.
#[derive(Clone)]
pub struct Router {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Number of lanes of intake.
    pub lanes: u32,
    /// What scanners add.
    pub scanner: ScannerSettings,
}

impl Router {
    /// Routes the partitions that the group gives this instance, until told to stop.
    pub async fn run(self, instance: String, stop: CancellationToken) {
        let (told, mut suggested) = watch::channel(Vec::new());
        let told = Arc::new(told);
        let membership = loop {
            let told = Arc::clone(&told);
            let suggest = Arc::new(move |partitions| {
                told.send_replace(partitions);
            });
            let topic = Topic::named(TOPIC);
            match self.log.join(GROUP, &instance, &topic, suggest) {
                Ok(membership) => break membership,
                Err(error) => tracing::warn!(%error, "the router cannot join its group yet"),
            }
            tokio::select! {
                () = tokio::time::sleep(JOIN_AGAIN) => {}
                () = stop.cancelled() => return,
            }
        };
        let mut running: BTreeMap<u32, (CancellationToken, JoinHandle<()>)> = BTreeMap::new();
        loop {
            let wanted = suggested.borrow_and_update().clone();
            let gone: Vec<u32> = running
                .keys()
                .filter(|partition| !wanted.contains(partition))
                .copied()
                .collect();
            for partition in gone {
                if let Some((token, task)) = running.remove(&partition) {
                    token.cancel();
                    let _ = task.await;
                }
            }
            for partition in wanted {
                running.entry(partition).or_insert_with(|| {
                    let token = stop.child_token();
                    let task = tokio::spawn(self.clone().partition(partition, token.clone()));
                    (token, task)
                });
            }
            tokio::select! {
                changed = suggested.changed() => if changed.is_err() { break },
                () = stop.cancelled() => break,
            }
        }
        for (_, (token, task)) in running {
            token.cancel();
            let _ = task.await;
        }
        membership.leave();
    }
}
