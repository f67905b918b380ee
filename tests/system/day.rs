//! A day played beside processes that are killed.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tenfold_lab_day::{Day, Played, Progress, Services, play};
use tenfold_tests::process::Served;

/// Longest wait until a moment of the day has come.
const MOMENT_MAX: Duration = Duration::from_secs(240);

/// A process to be killed at a moment of the day, and started again after a while.
pub struct Kill {
    /// Which of the processes.
    pub process: usize,
    /// The moment: this counter of the day has this value.
    pub when: fn(&Progress) -> &AtomicU64,
    pub reaches: u64,
    /// How long it stays down.
    pub down: Duration,
}

/// Plays the day; kills one process after another meanwhile. Panics if anything is not as it must be.
pub fn with_kills(
    day: &Day,
    services: &Services,
    processes: &mut [Served],
    kills: &[Kill],
) -> Played {
    let progress = Progress::default();
    let outcome = std::thread::scope(|scope| {
        let progress = &progress;
        let played = scope.spawn(move || crate::runtime().block_on(play(day, services, progress)));
        for kill in kills {
            let began = Instant::now();
            while (kill.when)(progress).load(Ordering::Relaxed) < kill.reaches
                && !played.is_finished()
            {
                if began.elapsed() > MOMENT_MAX {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            if played.is_finished() {
                break;
            }
            let reached = (kill.when)(progress).load(Ordering::Relaxed);
            assert!(
                reached >= kill.reaches,
                "the day stands still at {progress:?}"
            );
            println!("  kill -9 of process {} at {progress:?}", kill.process);
            processes[kill.process].kill();
            std::thread::sleep(kill.down);
            processes[kill.process].start();
            let ready = processes[kill.process].wait_ready();
            println!("  ready again after {ready:?}");
        }
        (
            played.join().expect("no panic"),
            kills_done(progress, kills),
        )
    });
    let complaints: Vec<String> = processes.iter().flat_map(Served::complaints).collect();
    let (played, killed) = outcome;
    let played = match played {
        Ok(played) => played,
        Err(error) => panic!(
            "{error:#}\n{}\n{}",
            summary_of_calls(services),
            complaints.join("\n")
        ),
    };
    assert!(killed, "the day was over before all kills: {progress:?}");
    println!("{}{}", summary(day, &played), summary_of_calls(services));
    for complaint in complaints {
        println!("  {complaint}");
    }
    played
}

fn kills_done(progress: &Progress, kills: &[Kill]) -> bool {
    kills
        .iter()
        .all(|kill| (kill.when)(progress).load(Ordering::Relaxed) >= kill.reaches)
}

fn summary(day: &Day, played: &Played) -> String {
    let rate = |count: usize, took: Duration| count as f64 / took.as_secs_f64().max(0.001);
    format!(
        "  {} tubes at {} labs in {:.1} s: {:.0} a second; registered in {:.1} s: {:.0} a second\n  \
         {} plates, {} reports, {} came again, {} alerts\n  {:?}\n",
        played.tubes,
        day.labs.len(),
        played.took.as_secs_f64(),
        rate(played.tubes, played.took),
        played.registering.as_secs_f64(),
        rate(played.tubes, played.registering),
        played.plates,
        played.reports,
        played.repeated,
        played.alerts,
        played.verdicts,
    )
}

fn summary_of_calls(services: &Services) -> String {
    let mut text = String::new();
    for (service, seen) in services.calls.seen() {
        let mean = seen.total.as_secs_f64() * 1_000.0 / seen.calls.max(1) as f64;
        let _ = writeln!(
            text,
            "  {service}: {} calls, {mean:.1} ms each, slowest {:.0} ms; {} tries failed, longest outage {:.1} s",
            seen.calls,
            seen.slowest.as_secs_f64() * 1_000.0,
            seen.failed_tries,
            seen.outage_max.as_secs_f64(),
        );
    }
    text
}
