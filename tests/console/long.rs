//! A board that nobody touches for a day: as many answers as a day has seconds are too many for a test, but a page that
//! keeps something of each shows it after some thousands.

use crate::floor::Floor;
use tenfold_tests::browser::Browser;

/// Answers that are shown before the page's memory is looked at: it fills caches of its own at first.
const WARM: u32 = 1_000;

/// Answers that are shown then.
const ANSWERS: u32 = 10_000;

/// Most bytes that the page may have more for each of them. A node of it has hundreds.
const MORE_BYTES_MAX: f64 = 50.0;

/// Keeps the page's streams of live answers at hand, and the last answer to each question.
const STREAMS: &str = "
    const Real = window.EventSource;
    window.told = {};
    window.EventSource = class extends Real {
      constructor(address) {
        super(address);
        window.stream = this;
        this.addEventListener('message', (event) => { window.told[JSON.parse(event.data).watch] = event.data; });
      }
    };";

/// Shows the last answers again, so many times, and lets the page breathe between.
fn again(browser: &Browser, times: u32) {
    browser.eval_async(&format!(
        "const all = Object.values(window.told); let left = {times};
         const some = () => {{
           for (let n = 0; n < 100 && left > 0; n += 1, left -= 1) {{
             window.stream.dispatchEvent(new MessageEvent('message', {{ data: all[left % all.length] }}));
           }}
           if (left > 0) setTimeout(some, 0); else done(true);
         }};
         some();"
    ));
}

/// Bytes that the page's scripts hold, what is garbage not counted; and elements of the page.
fn held(browser: &Browser) -> (f64, serde_json::Value) {
    browser.cdp("HeapProfiler.collectGarbage", serde_json::json!({}));
    let used = browser.cdp("Runtime.getHeapUsage", serde_json::json!({}));
    let elements = browser.eval("document.querySelectorAll('*').length");
    (used["usedSize"].as_f64().expect("bytes"), elements)
}

#[test]
fn a_board_that_stays_open_is_right_and_its_memory_flat() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("LO", 17, "routine");
    floor.receive(&tubes[..12]);
    let browser = crate::browser("en");
    browser.before_each_page(STREAMS);
    browser.go(&floor.page("b1", "board"));
    let counts = |number: usize| {
        browser.until(
            &format!("a stage with {number} tubes"),
            &format!("[...document.querySelectorAll('.stage .count')].some((one) => one.textContent === '{number}')"),
        );
    };
    counts(12);
    browser.until(
        "an answer to each question",
        "Object.keys(window.told).length >= 3",
    );
    again(&browser, WARM);
    let (before, elements) = held(&browser);
    again(&browser, ANSWERS);
    let (after, elements_then) = held(&browser);
    let more = (after - before) / f64::from(ANSWERS);
    assert!(more < MORE_BYTES_MAX, "{before} bytes, then {after}");
    assert_eq!(elements, elements_then);
    // What happens now is shown without a reload.
    floor.receive(&tubes[12..]);
    counts(17);
    assert_eq!(floor.services.complaints(), Vec::<String>::new());
}
