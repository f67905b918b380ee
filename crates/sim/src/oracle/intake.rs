//! INV-01, intake's part: every barcode is in exactly one place, and the boards' counts add up to them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tenfold_domain::intake::board::Gauge;
use tenfold_domain::intake::query;
use tenfold_domain::intake::state::{Entry, Life, Standing};
use tenfold_domain::tables::{Read, ReadExt as _};

fn gauge(entry: &Entry) -> Gauge {
    match &entry.life {
        Life::Seen(_) => Gauge::Pending,
        Life::Withdrawn(_) => Gauge::Withdrawn,
        Life::Closed(_) | Life::Filed(_) => Gauge::Closed,
        Life::Open(_) if entry.custody.is_some() => Gauge::Received,
        Life::Open(open) => match open.standing {
            Standing::OnTime => Gauge::Expected,
            Standing::AtRisk => Gauge::AtRisk,
            Standing::Late => Gauge::Late,
        },
    }
}

/// What is violated.
#[must_use]
pub fn violations(state: &dyn Read) -> Vec<String> {
    let mut counted: BTreeMap<String, [u64; 7]> = BTreeMap::new();
    let mut barcodes: BTreeMap<String, u64> = BTreeMap::new();
    let mut found = Vec::new();
    state.scan::<Entry>(&0, |key, entry| {
        let barcode = entry.barcode().to_string();
        if let Some(other) = barcodes.insert(barcode.clone(), key) {
            found.push(format!(
                "barcode {barcode} is entered twice, as {other} and {key}"
            ));
        }
        let lab = entry.lab().map(ToString::to_string).unwrap_or_default();
        if let Some(count) = counted
            .entry(lab)
            .or_default()
            .get_mut(gauge(&entry) as usize)
        {
            *count += 1;
        }
        ControlFlow::Continue(())
    });
    for (lab, board) in query::board(state) {
        let have = counted.remove(lab.as_str()).unwrap_or_default();
        if have != board.now {
            found.push(format!(
                "the board of {lab} has {:?}, its entries are {have:?}",
                board.now
            ));
        }
    }
    for (lab, have) in counted {
        if have.iter().any(|count| *count > 0) {
            found.push(format!("{lab} has no board, its entries are {have:?}"));
        }
    }
    found
}
