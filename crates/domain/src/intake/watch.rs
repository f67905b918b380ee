//! The watch over samples that are registered and not received: at risk, then late.

use super::decide::{Context, Decision};
use super::event::Event;
use super::state::{Entry, Life, Standing, WATCH_CHUNK, Watch};
use crate::ids::Barcode;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// When the next look is due.
#[must_use]
pub fn next(state: &dyn Read) -> Option<Timestamp> {
    state.first::<Watch>().map(|((due, _), _)| Timestamp(due))
}

/// Looks due at `now`, `most` at most.
#[must_use]
pub fn due(state: &dyn Read, now: Timestamp, most: usize) -> usize {
    let mut count = 0;
    state.scan::<Watch>(&(i64::MIN, 0), |(due, _), _| {
        if count >= most || due > now.0 {
            return ControlFlow::Break(());
        }
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

/// Takes the first look that is due, whichever it is by now: the fold removes the first, so that
/// neither needs to name it.
#[must_use]
pub fn check(context: Context<'_>) -> Decision {
    let Some(((due, chunk), Watch)) = context.state.first::<Watch>() else {
        return Decision::nothing(());
    };
    if due > context.now.0 {
        return Decision::nothing(());
    }
    let from = chunk.saturating_mul(WATCH_CHUNK);
    let to = from.saturating_add(WATCH_CHUNK);
    let mut at_risk: Vec<Barcode> = Vec::new();
    let mut late: Vec<Barcode> = Vec::new();
    context.state.scan_range::<Entry>(&from, &to, |_, entry| {
        if let (Life::Open(open), None) = (entry.life, entry.custody) {
            let open = *open;
            match open.standing {
                Standing::OnTime if open.at_risk.0 <= due => at_risk.push(open.sample.barcode),
                Standing::AtRisk if open.deadline.due.0 <= due => late.push(open.sample.barcode),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    });
    Decision {
        events: vec![Event::WatchChecked {
            due: Timestamp(due),
            at_risk,
            late,
        }],
        messages: Vec::new(),
        answer: (),
    }
}
