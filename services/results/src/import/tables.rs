//! Tables of a lab's own, as the active policy names their columns: read from a lane now and then.

use prost::Message as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tenfold_domain::policy::{Library, TableMapping};
use tenfold_proto::v1;
use tenfold_runtime::gateway::Gateway;

/// How old the knowledge may be.
const REFRESH: Duration = Duration::from_secs(5);

/// The mappings, kept for a few seconds.
#[derive(Clone)]
pub(super) struct Tables {
    gateway: Gateway,
    library: Arc<Library>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    tables: Arc<Vec<TableMapping>>,
    asked: Option<Instant>,
}

impl Tables {
    pub fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            library: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// The mappings; those known before if nobody answers now.
    pub async fn get(&self) -> Arc<Vec<TableMapping>> {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.asked.is_some_and(|asked| asked.elapsed() < REFRESH) {
                return Arc::clone(&kept.tables);
            }
            // Others go on with what is known while this caller asks.
            kept.asked = Some(Instant::now());
        }
        let fresh = self.ask().await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Some(tables) => kept.tables = Arc::new(tables),
            // No policy, or nobody answered: ask again at the next file.
            None => kept.asked = None,
        }
        Arc::clone(&kept.tables)
    }

    async fn ask(&self) -> Option<Vec<TableMapping>> {
        let query = v1::ResultsQuery {
            query: Some(v1::results_query::Query::Policy(v1::ActivePolicyQuery {})),
        };
        let body = query.encode_to_vec().into();
        let answered = self.gateway.query_lane(0, body).await.ok()?;
        let policy = v1::PolicyActivated::decode(answered.body).ok()?;
        let policy = self.library.get(&policy.content).ok()?;
        Some(policy.tables.clone())
    }
}
