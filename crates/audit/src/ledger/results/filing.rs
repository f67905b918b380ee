//! Filing: nothing leaves the state of results that was not final for as long as the policy says, and nothing is
//! reported of it afterwards; and its card stays for as long as the policy says.

use super::{Results, keys};
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::TubeKey;
use tenfold_proto::v1::{CardsDropped, SpecimensFiled};

impl Results {
    pub(super) fn filed(&mut self, book: &mut Book<'_>, filed: &SpecimensFiled) {
        let retention = book
            .policies
            .active()
            .map_or_else(crate::policy::retention, |(_, policy)| policy.retention());
        for key in keys(book, &filed.tubes) {
            if let Err(why) = self.may_be_filed(book, key, retention) {
                let text = format!("tube {} is filed: {why}", book.labs.tube_id(key));
                book.wrong(Rule::Inv01, text);
            }
            book.tubes.ends.file(key, book.at());
            self.filed = self.filed.saturating_add(1);
        }
    }

    pub(super) fn dropped(&mut self, book: &mut Book<'_>, dropped: &CardsDropped) {
        let retention = book
            .policies
            .active()
            .map_or_else(crate::policy::card_retention, |(_, policy)| {
                policy.card_retention()
            });
        for key in keys(book, &dropped.tubes) {
            let early = |filed_at: i64| filed_at.saturating_add(retention) > book.at();
            let why = match book.tubes.ends.of(key) {
                Some(end) if end.dropped => Some("it was dropped before"),
                Some(end) if end.filed && end.not_before.is_some_and(early) => {
                    Some("it was filed less than its time ago")
                }
                Some(end) if end.filed => None,
                _ => Some("the tube was never filed"),
            };
            if let Some(why) = why {
                let tube = book.labs.tube_id(key);
                book.wrong(
                    Rule::Inv01,
                    format!("the card of tube {tube} is dropped: {why}"),
                );
            }
            book.tubes.ends.drop_card(key);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn may_be_filed(
        &self,
        book: &Book<'_>,
        key: TubeKey,
        retention: i64,
    ) -> Result<(), &'static str> {
        let Some(end) = book.tubes.ends.of(key) else {
            return Err("it was never closed");
        };
        if end.filed {
            return Err("it was filed before");
        }
        if let Some(tube) = book.tubes.in_full(key) {
            let results = &tube.results;
            if !results.closed {
                return Err("its report is not accepted by everybody");
            }
            if !results.orders.is_empty() {
                return Err("a test of it is ordered");
            }
            let open = |pool| self.suspects.contains_key(&pool);
            if results.suspect.is_some_and(open) {
                return Err("the suspect pool that it was in is open");
            }
        }
        let early = |closed_at: i64| closed_at.saturating_add(retention) > book.at();
        if end.not_before.is_some_and(early) {
            return Err("it was closed less than the retention ago");
        }
        Ok(())
    }

    /// Of a filed tube, nothing is reported any more.
    pub(super) fn is_at_hand(&self, book: &mut Book<'_>, key: TubeKey, what: &str) {
        let filed = book.tubes.ends.of(key).is_some_and(|end| end.filed);
        book.check(!filed, Rule::Inv06, |labs| {
            format!("tube {} is {what}, and was filed before", labs.tube_id(key))
        });
    }
}
