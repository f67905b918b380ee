//! The bars that show how far the day is.

use crate::output::Output;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The day's progress.
pub struct Bars {
    all: MultiProgress,
    /// Tubes received.
    pub received: ProgressBar,
    /// Tubes in a pool or given a well of their own.
    pub pooled: ProgressBar,
    /// Plates run.
    pub plates: ProgressBar,
    /// Tubes whose report is accepted.
    pub reported: ProgressBar,
}

impl Bars {
    /// Bars for a day of so many tubes; hidden where the output is for a program.
    pub fn new(output: Output, tubes: usize) -> Self {
        let all = MultiProgress::new();
        if output.is_json() {
            all.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        let bar = |name: &'static str, length: Option<u64>| {
            let bar = match length {
                Some(length) => ProgressBar::new(length),
                None => ProgressBar::new_spinner(),
            };
            let template = match length {
                Some(_) => "{msg:>9} {wide_bar} {pos:>5} of {len:>5}",
                None => "{msg:>9} {pos}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(name);
            all.add(bar)
        };
        let tubes = tubes as u64;
        Self {
            received: bar("received", Some(tubes)),
            pooled: bar("pooled", Some(tubes)),
            plates: bar("plates", None),
            reported: bar("reported", Some(tubes)),
            all,
        }
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        let _ = self.all.clear();
    }
}
