//! Plates, from the first well to the instrument.

use super::{ASSAY, LAB, Lab};
use tenfold_domain::Rejection;
use tenfold_domain::message::{LoadedPlate, Message};
use tenfold_proto::v1;
use v1::pooling_command::Command;

impl Lab {
    pub fn start_plate(&mut self, plate: &str) -> Result<v1::PlateView, Rejection> {
        self.command(Command::StartPlate(v1::StartPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            assay: ASSAY.to_owned(),
            seed: Some(7),
            ..Default::default()
        }))
    }

    pub fn fill(&mut self, plate: &str) -> Result<v1::FillPlateResponse, Rejection> {
        self.command(Command::FillPlate(v1::FillPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            ..Default::default()
        }))
    }

    pub fn place(
        &mut self,
        plate: &str,
        well: &str,
        content: &str,
    ) -> Result<v1::PlaceResponse, Rejection> {
        self.command(Command::Place(v1::PlaceRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            well: well.to_owned(),
            content: content.to_owned(),
            ..Default::default()
        }))
    }

    pub fn confirm_plate(
        &mut self,
        plate: &str,
        failed: &[(&str, &str)],
    ) -> Result<v1::ConfirmPlateResponse, Rejection> {
        let failed = failed
            .iter()
            .map(|(well, reason)| v1::PlateWellFailure {
                well: (*well).to_owned(),
                reason: (*reason).to_owned(),
            })
            .collect();
        self.command(Command::ConfirmPlate(v1::ConfirmPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            failed,
            rest_done: true,
            ..Default::default()
        }))
    }

    pub fn seal_plate(&mut self, plate: &str) -> Result<v1::SealPlateResponse, Rejection> {
        self.command(Command::SealPlate(v1::SealPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            ..Default::default()
        }))
    }

    pub fn void_plate(&mut self, plate: &str) -> Result<v1::VoidPlateResponse, Rejection> {
        self.command(Command::VoidPlate(v1::VoidPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            reason: "dropped".to_owned(),
            ..Default::default()
        }))
    }

    pub fn load(&mut self, plate: &str) -> Result<v1::LoadPlateResponse, Rejection> {
        self.command(Command::LoadPlate(v1::LoadPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            instrument: "cycler-1".to_owned(),
            ..Default::default()
        }))
    }

    /// These tubes are in the lab's first pool, which was in an instrument on this plate.
    pub fn tested(&mut self, tubes: &[&str], plate: &str) {
        self.here("routine", tubes);
        self.pool(tubes);
        self.close(1).unwrap();
        self.run_plate(plate);
    }

    /// Starts, fills, confirms, seals and loads a plate; answers what results heard.
    pub fn run_plate(&mut self, plate: &str) -> LoadedPlate {
        self.start_plate(plate).expect("a plate");
        self.fill(plate).expect("filled");
        self.confirm_plate(plate, &[]).expect("confirmed");
        self.seal_plate(plate).expect("sealed");
        self.sent();
        self.load(plate).expect("loaded");
        let sent = self.sent();
        sent.into_iter()
            .find_map(|(_, message)| match message {
                Message::PlateLoaded(plate) => Some(plate),
                _ => None,
            })
            .expect("results heard of the plate")
    }
}
