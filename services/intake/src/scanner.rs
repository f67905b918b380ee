//! What scanners add, as the active policy says: read from a lane now and then, so that every door takes
//! it off before the barcode chooses its lane. A door that knows an old policy for a moment lets such a
//! scan through as it is, and the decision refuses it with the character named: never a second tube.

use prost::Message as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tenfold_domain::policy::{Library, Scanner};
use tenfold_proto::v1;
use tenfold_runtime::gateway::Gateway;

/// How old the knowledge may be.
const REFRESH: Duration = Duration::from_secs(5);

/// The scanner settings, kept for a few seconds.
#[derive(Clone)]
pub struct ScannerSettings {
    gateway: Gateway,
    library: Arc<Library>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    scanner: Arc<Scanner>,
    asked: Option<Instant>,
}

impl ScannerSettings {
    /// Settings that are read when first asked for.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            library: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// The settings; those known before if nobody answers now.
    pub async fn get(&self) -> Arc<Scanner> {
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.asked.is_some_and(|asked| asked.elapsed() < REFRESH) {
                return Arc::clone(&kept.scanner);
            }
            // Others go on with what is known while this caller asks.
            kept.asked = Some(Instant::now());
        }
        let fresh = self.ask().await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Some(scanner) => kept.scanner = Arc::new(scanner),
            // No policy, or nobody answered: ask again at the next call.
            None => kept.asked = None,
        }
        Arc::clone(&kept.scanner)
    }

    async fn ask(&self) -> Option<Scanner> {
        let query = v1::IntakeQuery {
            query: Some(v1::intake_query::Query::Policy(v1::GetPolicyRequest {})),
        };
        let body = query.encode_to_vec().into();
        let answered = self.gateway.query_lane(0, body).await.ok()?;
        let reply = v1::IntakeReply::decode(answered.body).ok()?.reply?;
        let v1::intake_reply::Reply::Policy(policy) = reply else {
            return None;
        };
        let policy = self.library.get(&policy.content).ok()?;
        Some(policy.registration.scanner.clone())
    }
}
