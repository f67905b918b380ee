//! What a technician asks when a tube is scanned, and what must be answered.

use crate::tubes::{SCAN_BENCH, barcode};
use anyhow::{Context as _, ensure};
use tenfold_proto::v1;
use tonic::transport::Channel;
use v1::pooling_client::PoolingClient;

/// Scans a second, of figures that time them.
pub const RATE: u32 = 2_000;

/// A scan of a tube at the bench of its lab, by the lab's place among these.
#[must_use]
pub fn scan(labs: &[String], lane: usize, number: usize) -> v1::ScanRequest {
    v1::ScanRequest {
        lab: labs.get(lane).cloned().unwrap_or_default(),
        actor: "bench".to_owned(),
        request_id: format!("scan-{lane}-{number}"),
        bench: SCAN_BENCH.to_owned(),
        barcode: barcode(lane, number),
    }
}

/// Scans; the answer must name a seat.
///
/// # Errors
/// It is refused, or names none.
pub async fn scanned(
    client: &mut PoolingClient<Channel>,
    request: v1::ScanRequest,
) -> anyhow::Result<()> {
    let tube = request.barcode.clone();
    let answer = client
        .scan(request)
        .await
        .with_context(|| tube.clone())?
        .into_inner();
    let placed = answer.placement.and_then(|placement| placement.placement);
    ensure!(
        matches!(placed, Some(v1::tube_placement::Placement::Pool(_))),
        "{tube} got no seat"
    );
    Ok(())
}
