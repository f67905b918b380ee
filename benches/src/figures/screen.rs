//! Scan to screen: in a real Chromium, from the Enter of a scanner until the answer stands on the page and is painted.
//!
//! Ours is the bench console of `tenfold run` on the embedded log, with 100,000 samples in the lab: the page takes the key, keeps
//! the scan, asks the console, that asks the services, the lane decides and appends, and the page draws slot and pool. A scan
//! follows when the last one is answered: what waits in a queue is no time of ours.

use crate::bed::Bed;
use crate::figure::{Bound, Contestant, Figure, Metric, Took, Yardstick};
use crate::lab::Lab;
use crate::tubes::barcode;
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use tempfile::TempDir;
use tenfold_tests::browser::Browser;
use tenfold_tests::process::free_address;

/// Samples in the lab.
const SAMPLES: usize = 100_000;

/// Scans of a part of a run: a script may take 30 seconds.
const PART: usize = 50;

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "screen",
    ours: "scan to screen on the console's Pool screen in Chromium, 100,000 samples in the lab, embedded log: from the key Enter until \
           the answer is painted, the next scan after that",
    metrics: &[Metric::cost("p50 ms"), Metric::cost("p95 ms")],
    start: |bed| Ok(Box::new(Scans(Page::open(bed, true)?))),
    yardsticks: &[Yardstick {
        name: "no-op",
        how: "the same page of the same console asks for its own icon, which no service sees, without the browser's cache: from the \
              request until the next frame after the answer is painted",
        aims: &[None, None],
        start: |bed| Ok(Box::new(Nothing(Page::open(bed, false)?))),
    }],
    bounds: &[Bound {
        metric: 1,
        at_most: Some(50.0),
    }],
};

/// Times of a step are gathered in the page: one way to Chromium and back for many.
const TIMED: &str = "
const painted = () => new Promise((resolve) => requestAnimationFrame(() => { const two = new MessageChannel(); two.port1.onmessage = resolve; two.port2.postMessage(0); }));
const timed = async (step) => { const began = performance.now(); await step(); await painted(); return performance.now() - began; };
";

struct Page {
    browser: Browser,
    lab: Lab,
    scans: usize,
    _pictures: TempDir,
}

impl Page {
    fn open(bed: &Arc<Bed>, with_samples: bool) -> anyhow::Result<Self> {
        let console = free_address();
        let mut lab = Lab::with_console(console)?;
        if with_samples {
            lab.bring(SAMPLES.min(bed.size.history))?;
        }
        let pictures = tempfile::tempdir()?;
        let browser = Browser::open("en", pictures.path());
        let name = lab.load.labs.first().cloned().context("a lab")?;
        browser.go(&format!("http://{console}/?lab={name}&bench=b1#pool"));
        browser.says("Scan a tube");
        let seconds = usize::try_from(bed.size.seconds)?;
        Ok(Self {
            browser,
            lab,
            scans: (seconds * 20).div_ceil(PART) * PART,
            _pictures: pictures,
        })
    }

    /// Does a step so many times, for each of these texts; answers milliseconds.
    fn times(&self, texts: &[String], step: &str) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        for part in texts.chunks(PART) {
            let texts = serde_json::to_string(part)?;
            let script = format!(
                "{TIMED} (async () => {{ const times = []; for (const text of {texts}) times.push(await timed(async () => {{ {step} }})); \
                 return times; }})().then(done, (error) => done(String(error)));"
            );
            let told = self.browser.eval_async(&script);
            let told = told
                .as_array()
                .with_context(|| format!("the page says {told}"))?;
            times.extend(told.iter().filter_map(serde_json::Value::as_f64));
        }
        ensure!(times.len() == texts.len(), "some times are missing");
        Ok(times)
    }
}

fn took(mut times: Vec<f64>) -> Took {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        times
            .get(times.len() * percent / 100)
            .copied()
            .unwrap_or(f64::NAN)
    };
    let note = format!("{} times, p99 {:.1} ms", times.len(), at(99));
    Took::all(&[at(50), at(95)], note)
}

struct Scans(Page);

impl Contestant for Scans {
    fn run(&mut self) -> anyhow::Result<Took> {
        let page = &mut self.0;
        let first = page.lab.bring(page.scans)?;
        let tubes: Vec<String> = (first..first + page.scans)
            .map(|number| barcode(0, number))
            .collect();
        // As a scanner does: the text, then Enter; the answer stands there when the page says for which scan it is.
        let step = "
            const input = document.querySelector('#scan');
            const answer = document.querySelector('.answer');
            input.value = text;
            input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', bubbles: true, cancelable: true }));
            await new Promise((resolve, reject) => {
              const there = () => answer.dataset.scan === text && !answer.classList.contains('wait');
              const seen = new MutationObserver(() => { if (there()) { seen.disconnect(); resolve(); } });
              seen.observe(answer, { attributes: true, childList: true, subtree: true });
              if (there()) { seen.disconnect(); resolve(); }
              setTimeout(() => reject(new Error(`${text} is not answered`)), 20000);
            });";
        let times = page.times(&tubes, step)?;
        let last = tubes.last().context("a tube")?;
        let (tone, said) = page.browser.answer_to(last);
        ensure!(tone == "good", "the last scan is answered {tone}: {said}");
        Ok(took(times))
    }
}

struct Nothing(Page);

impl Contestant for Nothing {
    fn run(&mut self) -> anyhow::Result<Took> {
        let page = &self.0;
        let texts = vec![String::new(); page.scans];
        let step =
            "const reply = await fetch('/icon.svg', { cache: 'no-store' }); await reply.text();";
        Ok(took(page.times(&texts, step)?))
    }
}
