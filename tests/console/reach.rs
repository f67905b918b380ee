//! Whoever has no mouse reaches everything; whoever's computer is in another zone reads the lab's time.

use crate::floor::Floor;
use serde_json::{Value, json};
use std::time::Duration;
use tenfold_tests::browser::Browser;

/// Controls that a person may want to use, each marked with its number; answers how many.
const MARK: &str = "(() => { let n = 0; \
    for (const one of document.querySelectorAll('[data-reach]')) delete one.dataset.reach; \
    for (const one of document.querySelectorAll('a[href], button, select, input, textarea, summary')) { \
      if (one.checkVisibility() && !one.disabled && one.tabIndex >= 0) one.dataset.reach = n++; } \
    return n; })()";

/// How many of them are there still.
const MARKED: &str = "document.querySelectorAll('[data-reach]').length";

/// The control that has the focus: its number, and whether a person sees that it has it.
const HERE: &str = "(() => { const one = document.activeElement; const style = getComputedStyle(one); \
    return [one.dataset.reach ?? null, style.outlineStyle !== 'none' || style.boxShadow !== 'none', one.outerHTML.slice(0, 120)]; })()";

/// Presses the key Tab, wherever the focus is. (Typing goes to an element, and a field for a file takes it as a name.)
fn tab(browser: &Browser) {
    for what in ["rawKeyDown", "keyUp"] {
        let key = json!({ "type": what, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        browser.cdp("Input.dispatchKeyEvent", key);
    }
}

/// Walks over a screen. A page that is drawn anew meanwhile (its connection stands, say) is walked over again.
fn walk(browser: &Browser, screen: &str) {
    for _ in 0..10 {
        let controls = browser.eval(MARK).as_u64().expect("a number");
        let missing = missed(browser, screen, controls);
        if browser.eval(MARKED).as_u64() == Some(controls) && controls > 3 {
            assert_eq!(
                missing,
                Vec::<Value>::new(),
                "{screen}: Tab never comes to these"
            );
            return;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    panic!("{screen} is drawn anew all the time");
}

/// Presses Tab until it must have gone round; answers the controls it never came to.
fn missed(browser: &Browser, screen: &str, controls: u64) -> Vec<Value> {
    let mut reached = std::collections::BTreeSet::new();
    // More often than there are: behind the last one Tab goes round by way of the browser itself.
    for _ in 0..2 * controls {
        tab(browser);
        let here = browser.eval(HERE);
        if let Some(number) = here[0].as_str() {
            let seen = &here[1];
            assert_eq!(
                *seen, true,
                "{screen}: nobody sees where they are: {}",
                here[2]
            );
            reached.insert(number.parse::<u64>().expect("a number"));
        }
    }
    (0..controls)
        .filter(|number| !reached.contains(number))
        .map(|number| {
            let which = format!("[data-reach=\"{number}\"]");
            browser.eval(&format!(
                "document.querySelector('{which}')?.outerHTML.slice(0, 120)"
            ))
        })
        .collect()
}

#[test]
fn tab_comes_to_every_control_and_shows_where_it_is() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("TA", 3, "routine");
    floor.receive(&tubes);
    let browser = crate::browser("en");
    for screen in [
        "receive", "pool", "plate", "run", "results", "retests", "board", "sample", "problems",
    ] {
        browser.go(&floor.page("b1", screen));
        browser.until(
            "the scan input with the focus",
            "document.activeElement.matches('input') && document.querySelector('main, .screen') !== null",
        );
        walk(&browser, screen);
    }
}

#[test]
fn moments_are_told_in_the_labs_zone_wherever_the_browser_is() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("TZ", 1, "routine");
    floor.receive(&tubes);
    let browser = crate::browser("en");
    browser.cdp(
        "Emulation.setTimezoneOverride",
        json!({ "timezoneId": "America/St_Johns" }),
    );
    browser.go(&floor.page("b1", "sample"));
    browser.says("Scan any tube");
    browser.scan(&tubes[0]);
    let hour = |zone: &str| {
        format!(
            "[0, 60000].map((ago) => new Intl.DateTimeFormat('en-GB', {{ timeZone: '{zone}', hour: '2-digit', \
             minute: '2-digit', hourCycle: 'h23' }}).format(Date.now() - ago)).some((at) => document.body.innerText.includes(at))"
        )
    };
    browser.until("the lab's time", &hour("Asia/Shanghai"));
    assert_eq!(
        browser.eval(&hour("America/St_Johns")),
        false,
        "{}",
        browser.text()
    );
}
