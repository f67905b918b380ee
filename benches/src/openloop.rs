//! Calls on a schedule that does not wait for answers. Each call's time counts from the moment it was due, whenever it was
//! sent: a server that stalls is charged for every call that should have been made meanwhile (no coordinated omission).

use anyhow::ensure;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Times of the calls, in milliseconds, smallest first.
#[derive(Clone, Debug)]
pub struct Times(Vec<f64>);

impl Times {
    /// Of these.
    ///
    /// # Errors
    /// There are none.
    pub fn of(mut ms: Vec<f64>) -> anyhow::Result<Self> {
        ensure!(!ms.is_empty(), "nothing was timed");
        ms.sort_by(f64::total_cmp);
        Ok(Self(ms))
    }

    /// So many hundredths took no longer.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Makes `count` calls, `per_second` of them, spread over `lines` in turn. `call` is given the line and the call's number.
///
/// # Errors
/// A call fails.
pub async fn calls<F>(
    lines: usize,
    per_second: u32,
    count: usize,
    call: impl Fn(usize, usize) -> F,
) -> anyhow::Result<Times>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    // Room for every call: the schedule never waits.
    let (sender, mut due) = mpsc::channel(count.max(1));
    let interval = Duration::from_secs(1) / per_second.max(1);
    let pace = std::thread::spawn(move || {
        sleep_exactly();
        let began = Instant::now();
        for number in 0..count {
            let at = began + interval * u32::try_from(number).unwrap_or(u32::MAX);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if sender.try_send((number, at)).is_err() {
                return;
            }
        }
    });
    let mut under_way = Vec::with_capacity(count);
    while let Some((number, at)) = due.recv().await {
        let answered = call(number % lines.max(1), number);
        under_way.push(tokio::spawn(async move {
            answered.await?;
            anyhow::Ok(at.elapsed().as_secs_f64() * 1_000.0)
        }));
    }
    let _ = pace.join();
    let mut ms = Vec::with_capacity(count);
    for one in under_way {
        ms.push(one.await??);
    }
    Times::of(ms)
}

/// Lets this thread sleep as exactly as the system can, where it usually sleeps 50 microseconds longer. So nobody has to watch
/// the clock, which would take a good part of a core from what is measured; what it still sleeps too long, the call is charged for.
fn sleep_exactly() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_calls_made() {
        let times = Times::of((1..=100).rev().map(f64::from).collect()).expect("times");
        assert_eq!((times.percentile(50), times.percentile(99)), (50.0, 99.0));
        assert!(Times::of(Vec::new()).is_err());
    }

    #[tokio::test]
    async fn a_stall_is_charged_to_every_call_that_was_due_meanwhile() {
        let gate = std::sync::Arc::new(tokio::sync::Mutex::new(()));
        let times = calls(1, 1_000, 100, |_, number| {
            let gate = std::sync::Arc::clone(&gate);
            async move {
                let _alone = gate.lock().await;
                if number == 0 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Ok(())
            }
        })
        .await
        .expect("times");
        // All hundred were due within the stall of 200 ms: the last of them waited for half of it.
        assert!(times.percentile(1) >= 90.0, "{times:?}");
    }
}
