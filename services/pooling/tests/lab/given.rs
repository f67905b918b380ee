//! What other services say: registrations, cancellations, orders, reports.

use super::{LAB, Lab};
use tenfold_domain::Rejection;
use tenfold_domain::ids::{OrderId, TubeId};
use tenfold_domain::message::{
    CustodyConflict, FinalResult, Message, ReplateOrder, RetestOrder, RetestReason, SampleClosed,
    SampleFiled, SampleWithdrawn, SamplesFiled,
};
use tenfold_domain::sample::{Kind, Sample};
use tenfold_domain::time::Millis;
use tenfold_domain::well::{PlateSize, Well};

impl Lab {
    pub fn sample(&self, barcode: &str, class: &str) -> Sample {
        Sample {
            barcode: barcode.into(),
            version: 1,
            site: "s-01".into(),
            lab: LAB.into(),
            kind: Kind::Person,
            specimen_type: "np-swab".to_owned(),
            class: class.into(),
            subjects: vec![format!("subject-of-{barcode}").as_str().into()],
            collection_pool: false,
            observed_swabs: None,
            collected_at: Some(self.now()),
            registered_at: self.now(),
            collector: None,
            round: None,
            transport_box: None,
            flags: Vec::new(),
            hold: None,
            recollection_of: None,
        }
    }

    pub fn register(&mut self, sample: Sample) {
        self.hear(Message::SampleDetails(sample))
            .expect("details are taken");
    }

    pub fn registered(&mut self, class: &str, barcodes: &[&str]) {
        for barcode in barcodes {
            let sample = self.sample(barcode, class);
            self.register(sample);
        }
    }

    /// Registered and received.
    pub fn here(&mut self, class: &str, barcodes: &[&str]) {
        self.registered(class, barcodes);
        self.receive(barcodes);
    }

    /// Tubes that must be tested by themselves, and wait for a well.
    pub fn alone(&mut self, barcodes: &[&str]) {
        self.here("fever-clinic", barcodes);
        for barcode in barcodes {
            assert_eq!(self.seat(barcode), "alone");
        }
    }

    pub fn cancel(&mut self, barcode: &str) {
        self.hear(Message::SampleWithdrawn(SampleWithdrawn {
            barcode: barcode.into(),
            lab: LAB.into(),
            version: 2,
            reason: "registered twice".to_owned(),
        }))
        .expect("a cancellation is taken");
    }

    pub fn custody_conflict(&mut self, barcode: &str) {
        self.held_by("lab-9", barcode);
    }

    /// Intake says who is held to have a barcode.
    pub fn held_by(&mut self, lab: &str, barcode: &str) {
        self.hear(Message::CustodyConflict(CustodyConflict {
            barcode: barcode.into(),
            holder: lab.into(),
            epoch: 2,
        }))
        .expect("a conflict is taken");
    }

    pub fn order_retest(&mut self, tube: u64, order: u64, round: u32) -> Result<(), Rejection> {
        let due = self.now().plus(Millis::from_hours(6));
        self.hear(Message::RetestOrdered(RetestOrder {
            order: OrderId::new(LAB, order),
            tube: TubeId::new(LAB, tube),
            round,
            reason: RetestReason::PoolPositive,
            due,
        }))
    }

    pub fn order_replate(&mut self, plate: &str, wells: &[&str]) -> Result<(), Rejection> {
        self.hear(Message::ReplateOrdered(ReplateOrder {
            lab: LAB.into(),
            plate: plate.into(),
            wells: wells
                .iter()
                .map(|w| Well::parse(PlateSize::P96, w).expect("a well"))
                .collect(),
            reason: "the positive control failed".to_owned(),
        }))
    }

    pub fn close_sample(&mut self, barcode: &str, tube: u64) {
        let reported_at = self.now();
        self.hear(Message::SampleClosed(SampleClosed {
            barcode: barcode.into(),
            tube: TubeId::new(LAB, tube),
            report_version: 1,
            result: FinalResult::Negative,
            reported_at,
        }))
        .expect("a closed sample is taken");
    }

    /// Results has filed these samples, at version 1.
    pub fn file(&mut self, tubes: &[(&str, u64)]) {
        let samples = tubes.iter().map(|(barcode, tube)| SampleFiled {
            barcode: (*barcode).into(),
            tube: *tube,
            version: 1,
        });
        self.hear(Message::SamplesFiled(SamplesFiled {
            lab: LAB.into(),
            samples: samples.collect(),
        }))
        .expect("filed samples are taken");
    }
}
