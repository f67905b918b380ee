//! A tube's whole way by the page alone: a rack is received, pooled, plated, loaded, its run is handed in, and the
//! result is released. Only keys, and one file that is chosen. Every screen is looked at on the way.

use crate::curves::with_curves;
use crate::floor::Floor;
use crate::look::{in_chinese, look, on_paper};
use tenfold_lab_day::cycler::{self, Shown};
use tenfold_lab_day::plan::Truth;
use tenfold_tests::browser::{Browser, ENTER};

/// Tubes of the rack that go into pools, and into wells of their own.
const POOLED: usize = 30;
const ALONE: usize = 2;

const PLATE: &str = "PLATE00001";

/// The pool with the virus in it.
const POSITIVE: &str = "lab-1/P2";

/// A position of a rack, column by column.
fn position(at: usize) -> String {
    let row = char::from(b'A' + u8::try_from(at % 8).expect("a row"));
    format!("{row}{:02}", at / 8 + 1)
}

fn good(browser: &Browser, scan: &str) -> String {
    browser.scan(scan);
    let (tone, text) = browser.answer_to(scan);
    assert_eq!(tone, "good", "{scan}: {text}");
    text
}

#[test]
fn a_rack_becomes_released_results_with_nothing_but_keys() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let tubes = floor.register("DA", POOLED, "routine");
    let urgent = floor.register("DF", ALONE, "fever-clinic");
    let browser = crate::browser("en");
    browser.go(&floor.page("b1", "receive"));
    browser.says("Scan to receive");
    browser.says("no badge");
    browser.scan("$WHO/TECH-7");
    browser.says("tech-7");
    receive(&browser, &[tubes.clone(), urgent.clone()].concat());
    pool(&browser, &tubes, &urgent);
    plate(&browser, &floor, &urgent);
    load(&browser);
    hand_in(&browser, &floor, &urgent);
    results(&browser, &floor, &urgent);
    sample(&browser, &tubes[0], "negative");
    retests(&browser, &tubes[POOLED / 3]);
    problems(&browser, &floor);
    for (command, screen) in [("$BOARD", "board"), ("$CARD", "card")] {
        browser.scan(command);
        browser.until(
            screen,
            &format!("document.body.className === 'screen-{screen}'"),
        );
        if screen == "board" {
            browser.until(
                "the board",
                "document.querySelectorAll('.stage').length === 7",
            );
        }
        look(&browser, screen);
    }
    on_paper(&browser, "card");
    assert!(!browser.text().contains("p-DA0"), "a person is named");
    assert_eq!(floor.services.complaints(), Vec::<String>::new());
}

/// The rack's reader types its lines; one label cannot be read, one tube is not registered.
fn receive(browser: &Browser, tubes: &[String]) {
    browser.scan("$RACK");
    browser.keys(&format!("RACK-1{ENTER}"));
    let mut lines: String = tubes
        .iter()
        .enumerate()
        .map(|(at, barcode)| format!("{},{barcode}{ENTER}", position(at)))
        .collect();
    lines += &format!("{},NO READ{ENTER}", position(90));
    lines += &format!("{},XX00000001{ENTER}", position(91));
    browser.keys(&lines);
    browser.keys(&format!("$END{ENTER}"));
    let (tone, text) = browser.answer_to("RACK-1");
    assert_eq!(tone, "stop", "one label could not be read: {text}");
    assert!(text.contains(&(POOLED + ALONE).to_string()), "{text}");
    look(browser, "receive");
    browser.scan(&tubes[0]);
    let (_, text) = browser.answer_to(&tubes[0]);
    assert!(text.contains("Received before"), "{text}");
}

fn pool(browser: &Browser, tubes: &[String], urgent: &[String]) {
    browser.scan("$POOL");
    browser.says("Scan a tube");
    for tube in tubes {
        good(browser, tube);
    }
    let text = good(browser, "$DONE");
    assert!(text.contains("P3 is sealed with 10 members"), "{text}");
    for tube in urgent {
        browser.scan(tube);
        let (tone, text) = browser.answer_to(tube);
        assert_eq!(tone, "note", "{text}");
        assert!(text.contains("a well of its own"), "{text}");
    }
    look(browser, "pool-alone");
}

fn plate(browser: &Browser, floor: &Floor, urgent: &[String]) {
    browser.scan("$PLATE");
    browser.says("Scan plate, pool or tube");
    good(browser, PLATE);
    for content in ["lab-1/P1", POSITIVE, "P3"] {
        good(browser, content);
    }
    for tube in urgent {
        good(browser, tube);
    }
    // Scanned once more, it has its well already; nobody knows the other.
    good(browser, "lab-1/P1");
    browser.scan("lab-1/P77");
    assert_eq!(browser.answer_to("lab-1/P77").0, "stop");
    let placed = floor
        .plate(PLATE)
        .wells
        .iter()
        .filter(|well| well.content.is_some())
        .count();
    assert_eq!(placed, 3 + urgent.len());
    browser.until(
        "the map",
        &format!("document.querySelectorAll('.map td.full').length === {placed}"),
    );
    look(browser, "plate");
    on_paper(browser, "plate");
    let text = good(browser, "$SEAL");
    assert!(text.contains("is sealed"), "{text}");
}

fn load(browser: &Browser) {
    browser.scan("$LOAD");
    browser.says("Scan plate, then instrument");
    let text = good(browser, PLATE);
    assert!(text.contains("Now scan the instrument"), "{text}");
    good(browser, "cycler-1");
    browser.scan(PLATE);
    let (tone, text) = browser.answer_to(PLATE);
    assert_eq!(tone, "stop", "it is in an instrument already: {text}");
}

/// The first of the urgent tubes is very strong, and the second weak.
fn hand_in(browser: &Browser, floor: &Floor, urgent: &[String]) {
    let wells = well_of(floor, urgent);
    let strong = wells.first().map(|(_, content)| content.clone());
    let file = cycler::run(&floor.plate(PLATE), false, |content| -> Shown {
        let truth = match content {
            POSITIVE => Truth::Virus(27.0),
            _ if strong.as_deref() == Some(content) => Truth::Virus(16.0),
            _ if wells.iter().any(|(_, one)| one == content) => Truth::Virus(31.0),
            _ => Truth::Negative,
        };
        cycler::mixed(&[truth], false)
    });
    let [first, second] = ["lab-1/P1", "lab-1/P3"].map(|pool| stands_in(floor, pool));
    let file = with_curves(&file, PLATE, [&first, &second]);
    let path = floor.keep(&format!("{PLATE}.csv"), &file);
    browser.choose_file("#run-file", &path);
    browser.until(
        "the serial's field",
        "document.activeElement.name === 'serial'",
    );
    browser.keys(&format!("SN-7{ENTER}"));
    let (tone, text) = browser.answer_to(&format!("{PLATE}.csv"));
    assert_eq!(tone, "good", "{text}");
    assert!(text.contains("Results released"), "{text}");
    look(browser, "run");
}

/// The well of a content.
fn stands_in(floor: &Floor, content: &str) -> String {
    let mut wells = floor.plate(PLATE).wells.into_iter();
    let well = wells.find(|well| well.content.as_deref() == Some(content));
    well.expect("it has a well").well
}

/// Wells of tubes that stand alone, and what stands in them, in the order of the wells of a column.
fn well_of(floor: &Floor, tubes: &[String]) -> Vec<(String, String)> {
    let wells = floor.plate(PLATE).wells.into_iter();
    wells
        .filter_map(|well| Some((well.well, well.content?)))
        .filter(|(_, content)| !content.contains("/P"))
        .take(tubes.len())
        .collect()
}

fn results(browser: &Browser, floor: &Floor, urgent: &[String]) {
    browser.scan("$RESULTS");
    browser.until(
        "the plate's calls",
        "document.querySelectorAll('.map td.positive').length === 3",
    );
    // Unless a control was drawn between the two, a drop of the strong one may have made the weak one.
    let wells = well_of(floor, urgent);
    let row = |at: usize| wells[at].0.as_bytes()[0];
    if row(0).abs_diff(row(1)) == 1 {
        browser.scan(&wells[1].0);
        browser.until(
            "the hint",
            "document.querySelectorAll('.why .hint').length === 1",
        );
        browser.says("stands next to");
        look(browser, "results-hint");
    }
    // Each well has a curve for each target, and a ring where its Ct is.
    let drawn = |lines: u8, rings: u8| {
        browser.until(
            "the curves",
            &format!(
                "document.querySelectorAll('.curves .curve').length === {lines} \
                 && document.querySelectorAll('.curves .ct').length === {rings}"
            ),
        );
    };
    browser.scan(&stands_in(floor, "lab-1/P3"));
    browser.says("the very same curves");
    drawn(3, 1);
    // Also where two lines end in one place, each name stands inside the drawing and on no other.
    browser.until(
        "three names apart",
        "(() => { const at = [...document.querySelectorAll('.curves .name')].map((one) => Number(one.getAttribute('y'))); \
         at.sort((one, other) => one - other); \
         return at.length === 3 && at[0] > 0 && at[1] - at[0] >= 14 && at[2] - at[1] >= 14; })()",
    );
    look(browser, "results-same-curve");
    browser.scan(&stands_in(floor, POSITIVE));
    browser.says(POSITIVE);
    browser.says("default-cn");
    drawn(3, 3);
    look(browser, "results");
    in_chinese(browser, "results", || {
        browser.until("the map", "document.querySelector('.map td.positive')");
        browser.scan(&stands_in(floor, POSITIVE));
        drawn(3, 3);
    });
}

fn sample(browser: &Browser, tube: &str, verdict: &str) {
    browser.scan("$SAMPLE");
    browser.says("Scan any tube");
    browser.scan(tube);
    browser.says(&format!("Result: {verdict}"));
    // The chain: the file, the rule, the controls, who accepted it.
    browser.says(&format!("{PLATE}.csv"));
    browser.says("default-cn");
    browser.says("as they must be");
    browser.says("its Cts are nobody's own");
    look(browser, "sample");
    in_chinese(browser, "sample", || {
        browser.scan(tube);
        browser.says(&format!("{PLATE}.csv"));
    });
}

fn retests(browser: &Browser, tube: &str) {
    browser.scan("$RETESTS");
    browser.says("10 to fetch");
    browser.scan(tube);
    browser.says("9 to fetch");
    look(browser, "retests");
    on_paper(browser, "retests");
}

fn problems(browser: &Browser, floor: &Floor) {
    let tube = floor.register("DH", 1, "routine");
    floor.receive(&tube);
    floor.tenfold(&[
        "tube", "hold", "--lab", "lab-1", &tube[0], "--reason", "leaks",
    ]);
    browser.scan("$PROBLEMS");
    browser.says("leaks");
    browser.says("XX00000001");
    look(browser, "problems");
    // The tube whose label could not be read gets a registered one.
    let label = floor.register("DL", 1, "routine");
    browser.press("Give it a new label, then scan that");
    browser.scan(&label[0]);
    browser.until(
        "the label is known",
        "!document.body.innerText.includes('cannot be read')",
    );
    browser.scan(&tube[0]);
    browser.scan("$DONE");
    browser.until(
        "the hold is gone",
        "!document.body.innerText.includes('leaks')",
    );
}
