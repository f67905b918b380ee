//! What a technician does with tubes that have no seat yet, and with those that must be looked at.

use super::{LAB, Lab};
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::pooling_command::Command;

impl Lab {
    pub fn receive(&mut self, barcodes: &[&str]) -> Vec<v1::ReceivedTube> {
        self.receive_tubes(barcodes, false)
    }

    pub fn receive_tubes(&mut self, barcodes: &[&str], another: bool) -> Vec<v1::ReceivedTube> {
        let barcodes = barcodes.iter().map(ToString::to_string).collect();
        let arrival = v1::receive_request::Arrival::Tubes(v1::TubesArrived { barcodes, another });
        self.arrive(arrival).expect("receiving succeeds").tubes
    }

    /// `?` is an unreadable label, `-` an empty position.
    pub fn receive_rack(&mut self, rack: &str, tubes: &[(&str, &str)]) -> Vec<v1::ReceivedTube> {
        let positions = tubes
            .iter()
            .map(|(position, what)| v1::RackPosition {
                position: (*position).to_owned(),
                found: Some(match *what {
                    "?" => v1::rack_position::Found::Unreadable(true),
                    "-" => v1::rack_position::Found::Nothing(true),
                    barcode => v1::rack_position::Found::Barcode(barcode.to_owned()),
                }),
            })
            .collect();
        let rack = rack.to_owned();
        let arrival = v1::receive_request::Arrival::Rack(v1::RackContains { rack, positions });
        self.arrive(arrival).expect("receiving succeeds").tubes
    }

    pub fn arrive(
        &mut self,
        arrival: v1::receive_request::Arrival,
    ) -> Result<v1::ReceiveResponse, Rejection> {
        self.command(Command::Receive(v1::ReceiveRequest {
            lab: LAB.to_owned(),
            arrival: Some(arrival),
            ..Default::default()
        }))
    }

    pub fn relabel(&mut self, tube: &str, new: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::Relabel(v1::RelabelRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            new_barcode: new.to_owned(),
            reason: "the old label is torn".to_owned(),
            ..Default::default()
        }))
    }

    pub fn hold(&mut self, tube: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::HoldTube(v1::HoldTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            reason: "it leaks".to_owned(),
            ..Default::default()
        }))
    }

    pub fn release(&mut self, what: &str) -> Result<v1::ReleaseHoldResponse, Rejection> {
        self.command(Command::ReleaseHold(v1::ReleaseHoldRequest {
            lab: LAB.to_owned(),
            what: what.to_owned(),
            reason: "looked at it".to_owned(),
            ..Default::default()
        }))
    }

    pub fn discard(&mut self, tube: &str) -> Result<v1::TubeResponse, Rejection> {
        self.command(Command::DiscardTube(v1::DiscardTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
            reason: "empty".to_owned(),
            ..Default::default()
        }))
    }
}
