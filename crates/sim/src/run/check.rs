//! What is looked at while a day runs: the invariants, whether it is over, and why it does not end.

use super::Run;
use crate::oracle::{flow, judge};
use crate::shared::{Micros, SECOND, What};

/// After healing, a day must be over within this time: everything has had its retry by then.
const DRAIN_MAX: Micros = 6 * 3_600 * SECOND;

impl Run {
    /// The invariants now; and is the day over?
    pub(super) fn check(&mut self) {
        for follower in &mut self.followers.0 {
            follower.follow(&self.shared);
            for words in follower.violations() {
                self.shared.problem(words);
            }
        }
        for (service, disk) in self.cluster.disks() {
            for (lane, rows) in disk.sound() {
                let wrong = self
                    .followers
                    .of(service, lane)
                    .and_then(|follower| follower.compare(&rows));
                if let Some(words) = wrong {
                    self.shared.problem(words);
                }
            }
        }
        for words in self.cluster.depot.judge(&self.followers) {
            self.shared.problem(words);
        }
        for words in self.cluster.depot.judge_heads(&self.shared) {
            self.shared.problem(words);
        }
        let healed = self.world.borrow().healed;
        if healed && !self.world.borrow().over && self.is_over() {
            self.shared.say(|| "OVER".to_owned());
            self.world.borrow_mut().over = true;
        }
        if self.world.borrow().over && self.is_quiet() {
            judge::day(&self.shared, &self.ledger.borrow(), &self.followers);
            self.done = true;
            return;
        }
        if self.shared.now() > self.day + DRAIN_MAX {
            self.stuck("the day does not end");
            self.done = true;
            return;
        }
        let soon = self.shared.draw(20 * SECOND..90 * SECOND);
        self.shared.after(soon, What::Check);
    }

    /// Everything is reported that will be: a correction that crosses the report makes another, and so does a
    /// cancellation.
    fn is_over(&self) -> bool {
        let ledger = self.ledger.borrow();
        let planned = self.world.borrow().plan.tubes.len();
        ledger.tubes.len() == planned
            && ledger.tubes.iter().all(|(barcode, tube)| {
                judge::is_settled(&ledger, barcode, tube)
                    && (judge::is_closed(&self.followers, barcode)
                        || tube.cancelling && !judge::is_reported(&ledger, barcode))
            })
    }

    /// Nobody has anything to do any more.
    fn is_quiet(&self) -> bool {
        self.tasks.busy() == 0
            && self.cluster.is_settled()
            && self.shared.log().is_quiet()
            && flow::under_way(&self.followers).is_empty()
            && flow::unread(&self.followers, &self.shared).is_empty()
    }

    pub(super) fn stuck(&mut self, why: &str) {
        let ledger = self.ledger.borrow();
        let waiting: Vec<String> = ledger
            .tubes
            .iter()
            .filter(|(barcode, tube)| !judge::is_settled(&ledger, barcode, tube))
            .map(|(barcode, tube)| {
                format!(
                    "{barcode} of {} ({:?}, acknowledged {:?}, received {}, last told {:?})",
                    tube.lab,
                    tube.truth,
                    tube.acknowledged,
                    tube.received,
                    ledger
                        .newest(barcode)
                        .map(|t| (t.report.verdict(), t.accepted))
                )
            })
            .collect();
        let mut words = vec![format!(
            "LIVENESS: {why}: over {}, {} actors busy, {} appends under way",
            self.world.borrow().over,
            self.tasks.busy(),
            self.shared.log().pending.len()
        )];
        words.push(format!("{:?}", self.kinds));
        let unsettled = ledger
            .tubes
            .iter()
            .filter(|(barcode, tube)| !judge::is_settled(&ledger, barcode, tube))
            .take(3);
        for (barcode, _) in unsettled {
            words.extend(judge::where_is(&self.followers, barcode));
        }
        words.extend(waiting);
        words.extend(flow::under_way(&self.followers));
        words.extend(flow::unread(&self.followers, &self.shared));
        words.extend(self.cluster.describe());
        self.shared.problem(words.join("\n    "));
    }
}
