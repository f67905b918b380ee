//! Answers about a filed sample: what the lane keeps at hand, joined with what was read from its journal.

use crate::queries::filed::FILED;
use tenfold_proto::v1;

/// An answer about one sample.
pub(super) trait Answer: prost::Message + Default + 'static {
    /// Its card, if it was filed.
    fn card(&mut self) -> &mut Option<v1::FiledSample>;
    /// Says that it was filed, where the answer has a word for how a sample stands.
    fn name_standing(&mut self) {}
}

impl Answer for v1::ResultView {
    fn card(&mut self) -> &mut Option<v1::FiledSample> {
        &mut self.filed
    }

    fn name_standing(&mut self) {
        FILED.clone_into(&mut self.standing);
    }
}

impl Answer for v1::ResultTimeline {
    fn card(&mut self) -> &mut Option<v1::FiledSample> {
        &mut self.filed
    }
}

impl Answer for v1::ResultExplanation {
    fn card(&mut self) -> &mut Option<v1::FiledSample> {
        &mut self.filed
    }

    fn name_standing(&mut self) {
        FILED.clone_into(&mut self.standing);
    }
}

/// What the journal says, with the card; if it could not be read, what the lane has, and why the rest is missing.
pub(super) fn joined<R: Answer>(
    at_hand: R,
    mut card: v1::FiledSample,
    past: Result<R, String>,
) -> R {
    let mut answer = match past {
        Ok(past) => past,
        Err(why) => {
            tracing::warn!(
                tube = card.tube,
                why,
                "a filed sample cannot be read from the journal"
            );
            card.missing = why;
            at_hand
        }
    };
    answer.name_standing();
    *answer.card() = Some(card);
    answer
}
