//! Pools at the benches: scanning, confirming, closing.

use super::{LAB, Lab, pool_name, seat_of};
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::pooling_command::Command;

impl Lab {
    pub fn scan(&mut self, barcode: &str) -> Result<v1::ScanResponse, Rejection> {
        self.scan_at("b1", barcode)
    }

    pub fn scan_at(&mut self, bench: &str, barcode: &str) -> Result<v1::ScanResponse, Rejection> {
        self.command(Command::Scan(v1::ScanRequest {
            lab: LAB.to_owned(),
            bench: bench.to_owned(),
            barcode: barcode.to_owned(),
            ..Default::default()
        }))
    }

    /// Scans, and names the seat: `P1/2` or `alone`.
    pub fn seat(&mut self, barcode: &str) -> String {
        seat_of(&self.scan(barcode).expect("a seat"))
    }

    pub fn confirm(&mut self) -> Result<v1::ConfirmTransferResponse, Rejection> {
        self.confirm_as(None)
    }

    pub fn confirm_as(
        &mut self,
        failed: Option<&str>,
    ) -> Result<v1::ConfirmTransferResponse, Rejection> {
        self.command(Command::ConfirmTransfer(v1::ConfirmTransferRequest {
            lab: LAB.to_owned(),
            bench: "b1".to_owned(),
            failed: failed.map(str::to_owned),
            ..Default::default()
        }))
    }

    pub fn undo(&mut self, tube: &str) -> Result<v1::UndoScanResponse, Rejection> {
        self.command(Command::UndoScan(v1::UndoScanRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            ..Default::default()
        }))
    }

    /// Reserves labels: of pools for a bench, of plates without one.
    pub fn reserve(
        &mut self,
        bench: Option<&str>,
        count: u32,
    ) -> Result<v1::ReserveLabelsResponse, Rejection> {
        let of = match bench {
            Some(_) => v1::LabelOf::Pool,
            None => v1::LabelOf::Plate,
        };
        self.command(Command::ReserveLabels(v1::ReserveLabelsRequest {
            lab: LAB.to_owned(),
            of: of.into(),
            bench: bench.unwrap_or_default().to_owned(),
            count,
            ..Default::default()
        }))
    }

    pub fn close(&mut self, pool: u64) -> Result<v1::PoolSealedTold, Rejection> {
        self.command::<v1::ClosePoolResponse>(Command::ClosePool(v1::ClosePoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
            ..Default::default()
        }))
        .map(|answer| answer.sealed.expect("a sealed pool"))
    }

    pub fn void(&mut self, pool: u64) -> Result<v1::VoidPoolResponse, Rejection> {
        self.command(Command::VoidPool(v1::VoidPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
            reason: "spilled".to_owned(),
            ..Default::default()
        }))
    }

    pub fn plan_rack(&mut self, rack: &str) -> Result<v1::PlanRackResponse, Rejection> {
        self.command(Command::PlanRack(v1::PlanRackRequest {
            lab: LAB.to_owned(),
            bench: "robot".to_owned(),
            rack: rack.to_owned(),
            ..Default::default()
        }))
    }

    pub fn confirm_rack(
        &mut self,
        rack: &str,
        failed: &[(&str, &str)],
        rest_done: bool,
    ) -> Result<v1::ConfirmRackResponse, Rejection> {
        let tubes = failed
            .iter()
            .map(|(tube, why)| v1::TubePerformed {
                tube: (*tube).to_owned(),
                failed: Some((*why).to_owned()),
            })
            .collect();
        self.command(Command::ConfirmRack(v1::ConfirmRackRequest {
            lab: LAB.to_owned(),
            bench: "robot".to_owned(),
            rack: rack.to_owned(),
            tubes,
            rest_done,
            ..Default::default()
        }))
    }

    /// Scans all of them into pools at `b1` and confirms the last transfer.
    pub fn pool(&mut self, barcodes: &[&str]) {
        for barcode in barcodes {
            self.scan(barcode).expect("a seat");
        }
        let _ = self.confirm();
    }
}
