//! The Pool screen: scans one by one, scans faster than answers, scans while the server is dead.

use crate::floor::Floor;
use crate::look::{look, on_paper};
use std::time::{Duration, Instant};
use tenfold_tests::browser::Browser;

/// Twenty scans a second.
const PACE: Duration = Duration::from_millis(50);

/// Scans all of these at twenty a second, or as fast as the machine types; `at` is called before each.
fn scan_fast(browser: &Browser, barcodes: &[String], mut at: impl FnMut(usize)) {
    let began = Instant::now();
    let mut next = Duration::ZERO;
    for (number, barcode) in barcodes.iter().enumerate() {
        at(number);
        browser.scan(barcode);
        next += PACE;
        std::thread::sleep(next.saturating_sub(began.elapsed()));
    }
}

fn all_answered(browser: &Browser, last: &str) {
    browser.answer_to(last);
    browser.until(
        "an empty queue",
        "document.querySelector('.waiting').textContent === ''",
    );
}

#[test]
fn a_scan_shows_pool_and_slot_and_a_wrong_one_stops_with_the_reason() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("PA", 12, "routine");
    floor.receive(&tubes);
    let browser = crate::browser("en");
    browser.go(&floor.page("b1", "pool"));
    browser.says("Scan a tube");
    for (number, tube) in tubes.iter().take(3).enumerate() {
        browser.scan(tube);
        let (tone, text) = browser.answer_to(tube);
        assert_eq!(tone, "good", "{text}");
        assert!(text.contains("P1"), "{text}");
        assert!(text.contains(&(number + 1).to_string()), "{text}");
    }
    browser.until(
        "three members in the open pool",
        "document.querySelector('.pool').dataset.members === '3'",
    );
    look(&browser, "pool");
    on_paper(&browser, "pool");
    // A tube that is in the pool already, and one that nobody knows.
    browser.scan(&tubes[0]);
    let (tone, text) = browser.answer_to(&tubes[0]);
    assert_eq!(tone, "stop");
    assert!(text.contains("Already in a pool"), "{text}");
    look(&browser, "pool-stop");
    browser.scan("ZZ99999999");
    assert_eq!(browser.answer_to("ZZ99999999").0, "stop");
    let sounded = browser.eval("document.documentElement.dataset.sounded");
    assert_eq!(sounded, "stop");
    // The last scan is taken back, scanned again, and the pool closed: all by scans.
    browser.scan("$UNDO");
    let (tone, text) = browser.answer_to("$UNDO");
    assert_eq!(tone, "note", "{text}");
    browser.scan(&tubes[3]);
    let (_, text) = browser.answer_to(&tubes[3]);
    assert!(text.contains("P1"), "{text}");
    browser.scan("$CLOSE");
    let (tone, text) = browser.answer_to("$CLOSE");
    assert_eq!(tone, "good", "{text}");
    assert!(text.contains('3'), "{text}");
    assert_eq!(floor.pool(1).expect("a pool").state, "sealed");
    assert_eq!(floor.pooled(), [&tubes[0..2], &tubes[3..4]].concat());
    // It is plated, taken back, and plated again: into another well.
    browser.scan("$PLATE");
    browser.says("Scan plate, pool or tube");
    for (scan, tone) in [
        ("UNDONE0001", "good"),
        ("P1", "good"),
        ("$UNDO", "note"),
        ("p1", "good"),
    ] {
        browser.scan(scan);
        let (is, text) = browser.answer_to(scan);
        assert_eq!(is, tone, "{scan}: {text}");
    }
    let wells = floor.plate("UNDONE0001").wells.into_iter();
    let lost = wells.filter(|well| well.content.is_some());
    assert_eq!(
        lost.map(|well| well.lost.is_some()).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(floor.services.complaints(), Vec::<String>::new());
}

#[test]
fn two_hundred_scans_at_twenty_a_second_are_all_answered_in_their_order() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("PB", 200, "routine");
    floor.receive(&tubes);
    let browser = crate::browser("zh-CN");
    browser.go(&floor.page("b1", "pool"));
    browser.says("扫描样本管");
    scan_fast(&browser, &tubes, |_| {});
    all_answered(&browser, &tubes[199]);
    assert_eq!(floor.pooled(), tubes);
}

#[test]
fn a_server_that_is_killed_among_scans_loses_none_and_does_none_twice() {
    let _alone = crate::alone();
    let mut floor = Floor::open();
    let all = floor.register("PC", 135, "routine");
    let (tubes, more) = all.split_at(120);
    floor.receive(&all);
    let browser = crate::browser("zh-CN");
    browser.go(&floor.page("b1", "pool"));
    browser.says("扫描样本管");
    scan_fast(&browser, tubes, |number| {
        if number == 50 {
            floor.services.kill();
        }
    });
    browser.until(
        "told that the connection is lost",
        "document.documentElement.dataset.lost === 'true'",
    );
    browser.picture("pool-lost");
    floor.services.start();
    floor.services.wait_ready();
    all_answered(&browser, &tubes[119]);
    browser.until(
        "the connection is back",
        "document.documentElement.dataset.lost === 'false'",
    );
    assert_eq!(floor.pooled(), tubes);
    // Again; and this time the page is left before anybody answers. The browser keeps what was scanned.
    floor.services.kill();
    scan_fast(&browser, more, |_| {});
    browser.go("about:blank");
    floor.services.start();
    floor.services.wait_ready();
    browser.go(&floor.page("b1", "pool"));
    all_answered(&browser, &more[14]);
    assert_eq!(floor.pooled(), all);
}
