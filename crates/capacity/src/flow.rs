//! A round as a flow through scanning, extraction and instruments, minute by minute.
//!
//! Everything is a quantity, not a tube: a city's numbers are large. What is scanned waits for a plate, what is plated
//! for an instrument; what was suspect comes back, in front of what is new (it is STAT). Each stage does no more in a
//! minute than its lines can, and what it does is ready after its own time.

use crate::plan::{Lines, Mixed, Plan};
use serde::Serialize;
use std::collections::VecDeque;

/// Longest a round is followed: beyond, it does not clear.
const MINUTES_MAX: usize = 60 * 24 * 30;
/// Less than this is nothing.
const NOTHING: f64 = 1e-6;

/// How a round went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cleared {
    /// Hours to the last result of a first test; `None` within thirty days.
    pub first_hours: Option<f64>,
    /// Hours to the last final result.
    pub hours: Option<f64>,
    /// Most tubes that waited to be scanned.
    pub waiting_scan: f64,
    /// Most wells that waited for extraction.
    pub waiting_extraction: f64,
    /// Most wells that waited for an instrument.
    pub waiting_instrument: f64,
    /// Wells that were run.
    pub wells: f64,
}

/// A delay line: what goes in comes out so many minutes later.
struct Delay(VecDeque<f64>);

impl Delay {
    fn of(minutes: f64) -> Self {
        Self(std::iter::repeat_n(0.0, minutes.max(0.0).round() as usize + 1).collect())
    }

    fn add(&mut self, amount: f64) {
        if let Some(last) = self.0.back_mut() {
            *last += amount;
        }
    }

    fn minute(&mut self) -> f64 {
        let out = self.0.pop_front().unwrap_or(0.0);
        self.0.push_back(0.0);
        out
    }

    fn is_empty(&self) -> bool {
        self.0.iter().sum::<f64>() < NOTHING
    }
}

/// Work of first tests and of retests; the latter go first.
#[derive(Clone, Copy, Default)]
struct Queue {
    first: f64,
    again: f64,
}

impl Queue {
    fn take(&mut self, most: f64) -> Self {
        let again = self.again.min(most);
        let first = self.first.min(most - again);
        self.again -= again;
        self.first -= first;
        Self { first, again }
    }

    fn is_empty(&self) -> bool {
        self.first + self.again < NOTHING
    }
}

/// Follows a round until everything is final.
#[must_use]
pub fn clear(plan: &Plan, lines: Lines) -> Cleared {
    let collecting = (plan.collecting_hours * 60.0).round().max(1.0);
    let a_minute = plan.tubes() / collecting;
    let wells_a_tube = plan.pools() / plan.tubes();
    let scans = f64::from(lines.benches) * 60.0 / plan.scan_seconds;
    let wells = f64::from(plan.wells);
    let extractions = f64::from(lines.extractors) * wells / plan.extraction_minutes;
    let runs = f64::from(lines.instruments) * wells / plan.run_minutes;
    let again_a_well = if plan.pool == 1 {
        0.0
    } else {
        plan.suspect() * f64::from(plan.pool)
    };

    let mut transport = Delay::of(plan.transport_minutes);
    let mut recollecting = Delay::of(plan.recollecting_minutes);
    let (mut extracting, mut extracting_again) = (
        Delay::of(plan.extraction_minutes),
        Delay::of(plan.extraction_minutes),
    );
    let (mut running, mut running_again) =
        (Delay::of(plan.run_minutes), Delay::of(plan.run_minutes));
    let (mut scan, mut extract, mut run) = (Queue::default(), Queue::default(), Queue::default());
    let mut cleared = Cleared::default();
    for minute in 0..MINUTES_MAX {
        if (minute as f64) < collecting {
            transport.add(a_minute);
        }
        scan.first += transport.minute();
        scan.again += recollecting.minute();
        let scanned = scan.take(scans);
        extract.first += scanned.first * wells_a_tube;
        extract.again += scanned.again;
        let extracted = extract.take(extractions);
        extracting.add(extracted.first);
        extracting_again.add(extracted.again);
        run.first += extracting.minute();
        run.again += extracting_again.minute();
        let loaded = run.take(runs);
        cleared.wells += loaded.first + loaded.again;
        running.add(loaded.first);
        running_again.add(loaded.again);
        let read = running.minute();
        let read_again = running_again.minute();
        match plan.mixed {
            Mixed::AtTheSite => recollecting.add(read * again_a_well),
            Mixed::InTheLab => extract.again += read * again_a_well,
        }
        cleared.waiting_scan = cleared.waiting_scan.max(scan.first + scan.again);
        cleared.waiting_extraction = cleared
            .waiting_extraction
            .max(extract.first + extract.again);
        cleared.waiting_instrument = cleared.waiting_instrument.max(run.first + run.again);
        let hours = (minute + 1) as f64 / 60.0;
        if read > NOTHING {
            cleared.first_hours = Some(hours);
        }
        if read + read_again > NOTHING {
            cleared.hours = Some(hours);
        }
        let queued = [scan, extract, run].iter().any(|queue| !queue.is_empty());
        let delayed = [
            &transport,
            &recollecting,
            &extracting,
            &extracting_again,
            &running,
            &running_again,
        ]
        .iter()
        .any(|delay| !delay.is_empty());
        if minute as f64 >= collecting && !queued && !delayed {
            return cleared;
        }
    }
    Cleared {
        hours: None,
        first_hours: None,
        ..cleared
    }
}
