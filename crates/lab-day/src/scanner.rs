//! The bench where somebody scans tubes one by one: those that came alone, that the robot failed, that were
//! spilled, and new swabs.

use crate::bench::{DETAILS_MAX, Lab, asking, pool_of, pooling};
use crate::link::{Link, reason};
use crate::plan::Tube;
use crate::site;
use anyhow::{Context as _, bail};
use std::time::{Duration, Instant};
use tenfold_proto::v1;

/// The bench where tubes are scanned.
const BENCH: &str = "b1";

impl Lab<'_> {
    /// Scans tubes one after another; the last transfer is confirmed.
    pub(crate) async fn scan_all(&self, tubes: &[&Tube], round: &str) -> anyhow::Result<()> {
        for tube in tubes {
            let began = Instant::now();
            for again in 0_u32.. {
                let request = v1::ScanRequest {
                    lab: self.lab.to_owned(),
                    actor: "tech-1".to_owned(),
                    request_id: format!("scan-{}-{round}-{again}", tube.barcode()),
                    bench: BENCH.to_owned(),
                    barcode: tube.barcode().to_owned(),
                };
                match pooling!(self.services, scan, request) {
                    Ok(scanned) => {
                        let placed = scanned.placement.and_then(|placed| placed.placement);
                        if let (Some(pool), Ok(mut hands)) = (pool_of(placed), self.hands.lock()) {
                            hands
                                .pools
                                .entry(pool)
                                .or_default()
                                .push(tube.barcode().to_owned());
                        }
                        break;
                    }
                    Err(status) if began.elapsed() > DETAILS_MAX || !waits(&status) => {
                        bail!("{} scanned: {status}", tube.barcode());
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        }
        let request = v1::ConfirmTransferRequest {
            lab: self.lab.to_owned(),
            actor: "tech-1".to_owned(),
            request_id: format!("transfer-{round}"),
            bench: BENCH.to_owned(),
            failed: None,
        };
        match pooling!(self.services, confirm_transfer, request) {
            Ok(_) => Ok(()),
            // The last tubes went alone, or nothing was scanned.
            Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(()),
            Err(status) => bail!("the last transfer of {round}: {status}"),
        }
    }

    /// Closes what is still open.
    ///
    /// # Errors
    /// A pool cannot be closed.
    pub async fn close_pools(&self) -> anyhow::Result<()> {
        let request = v1::ListOpenPoolsRequest {
            lab: self.lab.to_owned(),
            bench: String::new(),
        };
        for pool in asking!(self.services, list_open_pools, request)?.pools {
            let request = v1::ClosePoolRequest {
                lab: self.lab.to_owned(),
                actor: "tech-1".to_owned(),
                request_id: format!("close-{}", pool.pool),
                pool: pool.pool.clone(),
            };
            let closed = pooling!(self.services, close_pool, request);
            closed.with_context(|| format!("pool {} closed: {pool:?}", pool.pool))?;
        }
        Ok(())
    }

    /// New swabs of the persons of a collection tube come, one tube each, and are tested alone.
    ///
    /// # Errors
    /// One is refused.
    pub async fn swab_again(&self, tubes: &[Tube]) -> anyhow::Result<()> {
        for tube in tubes {
            site::one(
                self.services,
                &tube.registration,
                &format!("again-{}", tube.barcode()),
            )
            .await
            .with_context(|| format!("{} registered", tube.barcode()))?;
        }
        let tubes: Vec<&Tube> = tubes.iter().collect();
        self.receive_singly(&tubes).await?;
        let round = tubes.first().map_or("", |tube| tube.barcode());
        self.scan_all(&tubes, round).await
    }
}

/// A refusal that ends by itself: the registration is on its way.
fn waits(status: &tonic::Status) -> bool {
    status.code() == tonic::Code::FailedPrecondition && reason(status).contains("PENDING")
}
