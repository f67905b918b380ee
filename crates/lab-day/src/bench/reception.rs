//! Where tubes arrive: whole racks, single tubes, and labels that cannot be read.

use super::{DETAILS_MAX, Lab, pooling};
use crate::link::{Link, reason};
use crate::plan::{Story, Tube};
use anyhow::{Context as _, bail, ensure};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tenfold_proto::v1;

impl Lab<'_> {
    pub(super) async fn receive_rack(&self, rack: &str, tubes: &[&Tube]) -> anyhow::Result<()> {
        let positions = tubes.iter().enumerate().map(|(at, tube)| v1::RackPosition {
            position: position(at),
            found: Some(if tube.story == Story::Unreadable {
                v1::rack_position::Found::Unreadable(true)
            } else {
                v1::rack_position::Found::Barcode(tube.barcode().to_owned())
            }),
        });
        let arrival = v1::receive_request::Arrival::Rack(v1::RackContains {
            rack: rack.to_owned(),
            positions: positions.collect(),
        });
        let received = self.receive(rack, arrival).await?;
        for (at, tube) in tubes.iter().enumerate() {
            let place = position(at);
            let answer = received
                .iter()
                .find(|answer| answer.position.as_deref() == Some(place.as_str()))
                .with_context(|| format!("no verdict for {place} of rack {rack}"))?;
            let id = answer.tube.clone().with_context(|| {
                format!("no tube was made for {place} of rack {rack}: {answer:?}")
            })?;
            let unreadable = answer.verdict() == v1::ReceiveVerdict::Unreadable;
            ensure!(
                unreadable == (tube.story == Story::Unreadable),
                "{} in {place} of rack {rack}: {answer:?}",
                tube.barcode()
            );
            if unreadable {
                self.relabel(&id, tube).await?;
            }
            self.has(id, tube);
        }
        Ok(())
    }

    /// Receives; again with another request id as long as the lab's lane has no policy yet.
    async fn receive(
        &self,
        what: &str,
        arrival: v1::receive_request::Arrival,
    ) -> anyhow::Result<Vec<v1::ReceivedTube>> {
        let began = Instant::now();
        for again in 0_u32.. {
            let request = v1::ReceiveRequest {
                lab: self.lab.to_owned(),
                actor: "reception".to_owned(),
                request_id: format!("receive-{what}-{again}"),
                arrival: Some(arrival.clone()),
            };
            match pooling!(self.services, receive, request) {
                Ok(response) => return Ok(response.tubes),
                Err(status) if reason(&status) == "NO_POLICY" && began.elapsed() < DETAILS_MAX => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(status) => bail!("receiving {what}: {status}"),
            }
        }
        Ok(Vec::new())
    }

    pub(crate) async fn receive_singly(&self, tubes: &[&Tube]) -> anyhow::Result<()> {
        for tube in tubes {
            let arrived = v1::TubesArrived {
                barcodes: vec![tube.barcode().to_owned()],
                another: false,
            };
            let arrival = v1::receive_request::Arrival::Tubes(arrived);
            let received = self.receive(tube.barcode(), arrival).await?;
            let id = received
                .first()
                .and_then(|answer| answer.tube.clone())
                .with_context(|| format!("{} made no tube: {received:?}", tube.barcode()))?;
            self.has(id, tube);
            self.progress.received.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn relabel(&self, id: &str, tube: &Tube) -> anyhow::Result<()> {
        let request = v1::RelabelRequest {
            lab: self.lab.to_owned(),
            actor: "reception".to_owned(),
            request_id: format!("relabel-{}", tube.barcode()),
            tube: id.to_owned(),
            new_barcode: tube.barcode().to_owned(),
            reason: "the label could not be read".to_owned(),
        };
        pooling!(self.services, relabel, request)
            .with_context(|| format!("{} relabelled", tube.barcode()))?;
        Ok(())
    }
}

/// The n-th position of a rack, by columns.
fn position(at: usize) -> String {
    let row = b"ABCDEFGH"[at % 8];
    format!("{}{}", char::from(row), at / 8 + 1)
}
