//! One tube alone in its well: the only way a person of a suspect pool gets a result.

use super::{Current, WellCalled, end_tests, finalize, release_negatives};
use crate::message::{FinalResult, RetestReason};
use crate::results::call::Call;
use crate::results::draft::Draft;
use crate::results::order::{Wanted, place, recollect};
use crate::results::report::retract;
use crate::results::state::{OrderKind, Standing};

pub(super) fn conclude(draft: &mut Draft<'_>, called: &WellCalled<'_>, member: &Current) {
    let inconclusive = |call: Call| matches!(call, Call::SingleTarget | Call::Grey);
    let repeat_ordered = member.specimen.standing == Standing::AwaitingRepeat;
    if repeat_ordered && inconclusive(called.call) && called.was.is_some_and(inconclusive) {
        return;
    }
    let one = std::slice::from_ref(member);
    end_tests(draft, one, called.was.is_some());
    // A later analysis of the same test is no second test.
    let tested_before = |count: u8| count > 0 && called.was.is_none();
    match called.call {
        Call::Negative => release_negatives(draft, called, one),
        Call::Positive => finalize(draft, &[member.key], FinalResult::Positive),
        Call::SingleTarget | Call::Grey => {
            if tested_before(member.specimen.inconclusives) {
                finalize(draft, &[member.key], FinalResult::Inconclusive);
            } else {
                again(draft, called, member, RetestReason::Inconclusive);
            }
        }
        Call::Invalid => {
            if tested_before(member.specimen.invalids) {
                recollect(draft, &called.plate.lab, member.key, RetestReason::Invalid);
            } else {
                again(draft, called, member, RetestReason::Invalid);
            }
        }
    }
}

fn again(draft: &mut Draft<'_>, called: &WellCalled<'_>, member: &Current, reason: RetestReason) {
    if member.reported() {
        retract(draft, &[member.key]);
    }
    let wanted = Wanted {
        specimen: member.key,
        kind: OrderKind::Residual,
        round: member.specimen.round.saturating_add(1),
        reason,
    };
    place(draft, &called.plate.lab, &[wanted]);
}
