//! A lab's board at intake.

use crate::v1;
use tenfold_domain::intake::board::{Gauge, LabBoard, Spans};
use tenfold_domain::time::Millis;

impl From<Spans> for v1::IntakeSpans {
    fn from(s: Spans) -> Self {
        let at = |percent| s.percentile(percent).map(|Millis(ms)| ms);
        Self {
            p50_ms: at(50),
            p95_ms: at(95),
            backwards: s.backwards,
            bars: s.bars.to_vec(),
        }
    }
}

impl From<v1::IntakeSpans> for Spans {
    fn from(s: v1::IntakeSpans) -> Self {
        let mut spans = Self {
            backwards: s.backwards,
            ..Self::default()
        };
        for (mine, theirs) in spans.bars.iter_mut().zip(s.bars) {
            *mine = theirs;
        }
        spans
    }
}

/// A lab's board for the wire.
#[must_use]
pub fn lab_board(lab: String, b: LabBoard) -> v1::IntakeLabBoard {
    v1::IntakeLabBoard {
        lab,
        pending: b.gauge(Gauge::Pending),
        expected: b.gauge(Gauge::Expected),
        at_risk: b.gauge(Gauge::AtRisk),
        late: b.gauge(Gauge::Late),
        received: b.gauge(Gauge::Received),
        withdrawn: b.gauge(Gauge::Withdrawn),
        closed: b.gauge(Gauge::Closed),
        registered_total: b.registered,
        held_total: b.held,
        at_risk_total: b.at_risk,
        late_total: b.late,
        entry: Some(b.entry.into()),
        transport: Some(b.transport.into()),
    }
}

impl From<v1::IntakeLabBoard> for LabBoard {
    fn from(b: v1::IntakeLabBoard) -> Self {
        Self {
            now: [
                b.pending,
                b.expected,
                b.at_risk,
                b.late,
                b.received,
                b.withdrawn,
                b.closed,
            ],
            registered: b.registered_total,
            held: b.held_total,
            at_risk: b.at_risk_total,
            late: b.late_total,
            entry: b.entry.map(Into::into).unwrap_or_default(),
            transport: b.transport.map(Into::into).unwrap_or_default(),
        }
    }
}
