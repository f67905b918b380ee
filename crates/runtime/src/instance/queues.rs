//! Which seat a thread takes next, and which thread is woken for a seat: no locks, no time.
//!
//! Each thread has a queue. A seat waits in the queue of the thread that ran it last, whose core most likely still has
//! what it works on; a thread with nothing of its own takes from the others. So that a thread which is held up, or has
//! the larger share of the work, keeps nobody waiting while others go round and round, a seat that was passed over for
//! [`ROUNDS_MAX`] rounds is taken by whoever looks next. A seat thus waits for a bounded number of turns, as in one queue
//! for all.

use std::collections::VecDeque;

/// Rounds (as many calls as there are seats) that a seat is passed over for at most. Two: in one round everybody may be
/// called once, so a thread that keeps up never gives a seat away.
const ROUNDS_MAX: u64 = 2;

/// See the module.
pub(super) struct Queues {
    waiting: Vec<VecDeque<Call>>,
    /// By seat: the thread that ran it last.
    home: Vec<usize>,
    /// By thread: it sleeps, and nobody has woken it.
    sleeps: Vec<bool>,
    calls: u64,
}

#[derive(Clone, Copy)]
struct Call {
    seat: u32,
    /// How many calls there were before this one.
    ticket: u64,
}

impl Queues {
    /// Nobody waits; seats are dealt out to the threads in turn.
    pub(super) fn new(seats: u32, threads: usize) -> Self {
        let threads = threads.max(1);
        Self {
            waiting: vec![VecDeque::new(); threads],
            home: (0..seats as usize).map(|seat| seat % threads).collect(),
            sleeps: vec![false; threads],
            calls: 0,
        }
    }

    /// Puts a seat at the end of its queue. One that does not exist is ignored.
    pub(super) fn push(&mut self, seat: u32) {
        let ticket = self.calls;
        let home = self.home.get(seat as usize);
        if let Some(queue) = home.and_then(|home| self.waiting.get_mut(*home)) {
            queue.push_back(Call { seat, ticket });
            self.calls = ticket.saturating_add(1);
        }
    }

    /// The thread to wake for a seat that was put there: its own if that sleeps, else another that does. It counts as
    /// awake from now on.
    pub(super) fn wake_for(&mut self, seat: u32) -> Option<usize> {
        let home = self.home.get(seat as usize).copied()?;
        let thread = if self.sleeps.get(home) == Some(&true) {
            home
        } else {
            self.sleeps.iter().position(|sleeps| *sleeps)?
        };
        self.set_sleeps(thread, false);
        Some(thread)
    }

    /// Says that a thread sleeps, or does not.
    pub(super) fn set_sleeps(&mut self, thread: usize, sleeps: bool) {
        if let Some(kept) = self.sleeps.get_mut(thread) {
            *kept = sleeps;
        }
    }

    /// The seat that a thread runs next, which is its own from now on.
    pub(super) fn pop(&mut self, thread: usize) -> Option<u32> {
        let from = self.queue_for(thread)?;
        let seat = self.waiting.get_mut(from)?.pop_front()?.seat;
        if let Some(home) = self.home.get_mut(seat as usize) {
            *home = thread;
        }
        Some(seat)
    }

    /// The thread from whose queue this one takes: its own, unless that is empty or another's first waits for too long.
    fn queue_for(&self, thread: usize) -> Option<usize> {
        let firsts = self.waiting.iter().enumerate();
        let (other, longest) = firsts
            .filter_map(|(of, queue)| queue.front().map(|call| (of, call.ticket)))
            .min_by_key(|(_, ticket)| *ticket)?;
        let passed_over_max = ROUNDS_MAX.saturating_mul(self.home.len() as u64);
        let own = self.waiting.get(thread).and_then(VecDeque::front);
        let goes_on = own.is_some_and(|own| own.ticket.saturating_sub(longest) <= passed_over_max);
        Some(if goes_on { thread } else { other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pushed(queues: &mut Queues, seats: impl IntoIterator<Item = u32>) {
        seats.into_iter().for_each(|seat| queues.push(seat));
    }

    #[test]
    fn a_thread_takes_its_own_seats_in_the_order_they_were_called() {
        let mut queues = Queues::new(6, 2);
        pushed(&mut queues, [0, 1, 4, 3, 2]);
        let took: Vec<_> = [0, 0, 1, 0, 1].map(|thread| queues.pop(thread)).into();
        assert_eq!(took, [Some(0), Some(4), Some(1), Some(2), Some(3)]);
        assert_eq!(queues.pop(0), None);
    }

    #[test]
    fn a_thread_with_nothing_takes_the_seat_that_waits_longest_and_keeps_it() {
        let mut queues = Queues::new(6, 3);
        pushed(&mut queues, [2, 1, 4]);
        assert_eq!(queues.pop(0), Some(2));
        pushed(&mut queues, [2]);
        // Thread 2 ran it before; now it is another's, and comes after what waits longer.
        assert_eq!(queues.pop(2), Some(1));
        assert_eq!(queues.pop(0), Some(2));
    }

    #[test]
    fn a_seat_of_a_thread_that_is_held_up_is_taken_by_one_that_never_runs_out() {
        let mut queues = Queues::new(4, 2);
        pushed(&mut queues, [1, 0, 2]);
        let mut turns = 0;
        // Thread 1 runs something long. Thread 0 has two seats that are always due again.
        while let Some(seat) = queues.pop(0)
            && seat != 1
        {
            pushed(&mut queues, [seat]);
            turns += 1;
        }
        assert_eq!(turns, 8, "two rounds of four");
    }

    #[test]
    fn a_sleeping_thread_is_woken_once_and_the_seats_own_first() {
        let mut queues = Queues::new(4, 2);
        queues.set_sleeps(0, true);
        queues.set_sleeps(1, true);
        assert_eq!(queues.wake_for(3), Some(1));
        assert_eq!(queues.wake_for(3), Some(0), "its own is awake: another");
        assert_eq!(queues.wake_for(3), None, "all are awake");
        queues.set_sleeps(0, true);
        assert_eq!(queues.wake_for(1), Some(0));
    }

    #[test]
    fn what_does_not_exist_is_ignored() {
        let mut queues = Queues::new(2, 0);
        queues.push(7);
        assert_eq!(queues.wake_for(7), None);
        assert_eq!(queues.pop(5), None);
        queues.push(1);
        assert_eq!(queues.pop(5), Some(1), "whoever asks");
    }

    proptest! {
        /// Whatever threads do: each call is taken once, and nobody waits for more turns than the module says.
        #[test]
        fn every_call_is_taken_once_and_none_waits_for_ever(
            seats in 1_u32..9,
            threads in 1_usize..5,
            steps in prop::collection::vec((any::<bool>(), any::<u32>()), 1..400),
        ) {
            let mut queues = Queues::new(seats, threads);
            let mut called: Vec<Option<u64>> = vec![None; seats as usize];
            let mut pops = 0_u64;
            for (call, which) in steps {
                if call {
                    let seat = which % seats;
                    // As with letters: a seat is called once until it was taken.
                    if called[seat as usize].is_none() {
                        queues.push(seat);
                        called[seat as usize] = Some(pops);
                    }
                } else if let Some(seat) = queues.pop(which as usize % threads) {
                    let since = called[seat as usize].take().expect("called before");
                    prop_assert!(pops - since <= (ROUNDS_MAX + 2) * u64::from(seats));
                    pops += 1;
                } else {
                    prop_assert!(called.iter().all(Option::is_none), "somebody waits");
                }
            }
        }
    }
}
