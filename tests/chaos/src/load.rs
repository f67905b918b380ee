//! Whole lab days, one after another: registrations, racks, plates, runs and reports, each day checked at its
//! end against the truth about its tubes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenfold_lab_day::ledger::Ledger;
use tenfold_lab_day::{Day, Played, Progress, Services, play};

/// Labs at work in a day.
const LABS: usize = 2;

/// Days that are prepared: their labs are known to the policy from the start.
pub const DAYS_MAX: usize = 24;

/// Pause after every rack.
const PACE: Duration = Duration::from_millis(1_500);

/// Every lab of all days.
#[must_use]
pub fn all_labs() -> Vec<String> {
    (0..DAYS_MAX).flat_map(labs).collect()
}

fn labs(day: usize) -> Vec<String> {
    (1..=LABS)
        .map(|lab| format!("day-{day}-lab-{lab}"))
        .collect()
}

/// What the load came to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Days played to their end, all right.
    pub days: usize,
    /// Tubes of those.
    pub tubes: usize,
    /// Reports taken.
    pub reports: usize,
    /// Plates read.
    pub plates: u64,
    /// Deliveries that came more than once.
    pub repeated: u32,
}

/// What every day of the load is like.
#[derive(Clone, Debug)]
pub struct Days {
    /// Tubes of each.
    pub tubes: usize,
    /// Labs that the policy names besides.
    pub others: Vec<String>,
    /// How long a final sample stays at hand; `None` = as the default policy says. Must be longer than a day of the
    /// load takes, which is checked at its end.
    pub retention: Option<Duration>,
    /// How long its card stays after that; `None` = as the default policy says.
    pub cards: Option<Duration>,
}

impl Days {
    /// One of them.
    #[must_use]
    pub fn day(&self, number: usize) -> Day {
        let mut day = Day::at(&format!("C{number:02}T"), self.tubes, labs(number));
        day.other_labs = [all_labs(), self.others.clone()].concat();
        day.pace = PACE;
        day.retention = self.retention;
        day.cards = self.cards;
        day
    }
}

/// Plays such days against services at these addresses until told to stop; the last one is played to its end.
///
/// # Errors
/// Something was lost, came twice, or is wrong; nobody answered for long.
pub fn run(
    addresses: [&[String]; 3],
    days: &Days,
    ledger: &Ledger,
    stop: &AtomicBool,
) -> anyhow::Result<Loaded> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let [intake, pooling, results] = addresses;
    let services = {
        let _entered = runtime.enter();
        Services::at(intake, pooling, results)?.with_ledger(ledger)
    };
    let mut loaded = Loaded::default();
    while !stop.load(Ordering::Relaxed) && loaded.days < DAYS_MAX {
        let day = days.day(loaded.days);
        let played = runtime.block_on(play(&day, &services, &Progress::default()))?;
        loaded.add(&played);
    }
    Ok(loaded)
}

impl Loaded {
    fn add(&mut self, played: &Played) {
        self.days += 1;
        self.tubes += played.tubes;
        self.reports += played.reports;
        self.plates += played.plates;
        self.repeated += played.repeated;
    }
}
