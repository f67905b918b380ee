//! Two plates of 96 wells are made with lots that were scanned, and stamped into one of 384: all by scans.

use crate::floor::{Floor, LAB};
use crate::look::{in_chinese, look, on_paper};
use tenfold_domain::well::{PlateSize, Well};
use tenfold_lab_day::cycler;
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1::PlateView;
use tenfold_tests::browser::{Browser, ENTER};

/// Samples that one of the plates is filled with.
const MORE: usize = 40;

const MATERIALS: &str = "
[materials]
required = [\"kit\"]
lots.KIT-1 = { kind = \"kit\", expires = 2999-12-31 }
lots.TIPS-1 = { kind = \"consumable\", expires = 2999-12-31 }
lots.KIT-0 = { kind = \"kit\", expires = 2001-12-31 }
instruments.cycler-1 = { type = \"QuantStudio 5\", capacity = \"384\", calibration_due = 2999-12-31 }
instruments.cycler-2 = { type = \"CFX96\", capacity = \"96\" }
";

fn answered(browser: &Browser, scan: &str, tone: &str, says: &str) {
    browser.scan(scan);
    let (is, text) = browser.answer_to(scan);
    assert_eq!(is, tone, "{scan}: {text}");
    assert!(text.contains(says), "{scan}: {text}");
}

/// Wells with a sample. Where the first free one is, the plate's drawn controls say.
fn filled(plate: &PlateView) -> Vec<Well> {
    let wells = plate.wells.iter();
    let wells = wells.filter(|well| well.content.is_some() && well.lost.is_none());
    let mut wells: Vec<Well> = wells
        .map(|well| Well::parse(PlateSize::P384, &well.well).expect("a well"))
        .collect();
    wells.sort_unstable();
    wells
}

/// Where wells of a 96-well plate come to stand in one of 384: every second row and column, from here on.
fn in_quadrant(wells: &[Well], (row, column): (u8, u8)) -> Vec<Well> {
    let there = wells.iter().map(|well| {
        let (row, column) = (2 * well.row() + row, 2 * well.column() + column);
        Well::at(PlateSize::P384, row, column).expect("a well of 384")
    });
    there.collect()
}

/// The run of a plate: every fifth sample is positive, one in eleven doubtful.
fn hand_in(browser: &Browser, floor: &Floor, plate: &str) {
    let mut samples = 0;
    let file = cycler::run(&floor.plate(plate), false, |_| {
        samples += 1;
        let truth = match samples {
            n if n % 11 == 0 => Truth::Virus(38.5),
            n if n % 5 == 0 => Truth::Virus(24.0),
            _ => Truth::Negative,
        };
        cycler::mixed(&[truth], false)
    });
    browser.choose_file("#run-file", &floor.keep(&format!("{plate}.csv"), &file));
    browser.until(
        "the serial's field",
        "document.activeElement.name === 'serial'",
    );
    browser.keys(&format!("SN-7{ENTER}"));
    let (tone, text) = browser.answer_to(&format!("{plate}.csv"));
    assert_eq!(tone, "good", "{text}");
}

#[test]
fn two_plates_with_their_lots_are_stamped_into_one_of_384_wells() {
    let _alone = crate::alone();
    let floor = Floor::open();
    let example = include_str!("../../examples/policy.toml");
    let policy = example.replacen("\nversion = 1\n", "\nversion = 2\n", 1) + MATERIALS;
    let policy = floor.keep("policy.toml", &policy);
    floor.tenfold(&["policy", "apply", &policy]);
    let tubes = floor.register("DF", 2, "fever-clinic");
    floor.receive(&tubes);
    let more = floor.register("DG", MORE, "fever-clinic");
    floor.receive(&more);
    let browser = crate::browser("en");
    browser.go(&floor.page("b1", "pool"));
    browser.says("Scan a tube");
    for tube in &tubes {
        answered(&browser, tube, "note", "a well of its own");
    }
    for tube in &more {
        floor.tenfold(&["scan", tube, "--lab", LAB, "--bench", "b2"]);
    }
    browser.scan("$PLATE");
    browser.says("Scan plate, pool or tube");
    for (plate, tube) in ["SMALL00001", "SMALL00002"].into_iter().zip(&tubes) {
        answered(&browser, plate, "good", "New plate");
        answered(&browser, "$UNDO", "stop", "Nothing to undo");
        answered(&browser, tube, "good", "Well");
        if plate == "SMALL00001" {
            // It went into another well than the screen said.
            answered(&browser, "$UNDO", "note", "is off the plate");
            browser.until(
                "the lost well",
                "document.querySelector('.map td.lost-well')",
            );
            look(&browser, "plate-undone");
            answered(&browser, "$UNDO", "stop", "Nothing to undo");
            answered(&browser, tube, "good", "Well");
            let wells = floor.plate(plate).wells.into_iter();
            let lost: Vec<Option<String>> = wells
                .filter(|well| well.content.is_some())
                .map(|well| well.lost)
                .collect();
            assert_eq!(lost, [Some("undone at the bench".to_owned()), None]);
        }
        if plate == "SMALL00002" {
            answered(&browser, "$FILL", "good", &MORE.to_string());
            answered(&browser, "$DONE", "good", &MORE.to_string());
        }
        answered(&browser, "$LOT", "good", "Scan the label of the lot");
        answered(&browser, "KIT-0", "stop", "The lot has expired");
        answered(&browser, "$LOT", "good", "Scan the label of the lot");
        answered(&browser, "KIT-1", "good", "kit KIT-1");
        answered(&browser, "$LOT", "good", "Scan the label of the lot");
        answered(&browser, "TIPS-1", "good", "consumable TIPS-1");
        // The box of tips was another.
        answered(&browser, "$LOT", "good", "Scan the label of the lot");
        answered(
            &browser,
            "$UNDO",
            "good",
            "Scan the lot that is to come off",
        );
        answered(&browser, "TIPS-1", "good", "Lot taken off");
        assert_eq!(floor.plate(plate).lots.len(), 1);
        if plate == "SMALL00001" {
            look(&browser, "plate-lot");
        }
        answered(&browser, "$UNDO", "stop", "Nothing to undo");
        answered(&browser, "$SEAL", "good", &format!("{plate} is sealed"));
    }
    // Not a plate that nobody sealed; then all of it again.
    answered(&browser, "$COMBINE", "good", "Scan the new plate");
    answered(&browser, "BIG0000001", "good", "quadrant 1");
    answered(&browser, "SMALL00003", "good", "quadrant 2");
    answered(&browser, "$DONE", "stop", "SMALL00003");
    answered(&browser, "$COMBINE", "good", "Scan the new plate");
    answered(&browser, "BIG0000002", "good", "quadrant 1");
    answered(&browser, "SMALL00001", "good", "quadrant 2");
    answered(&browser, "$EMPTY", "good", "quadrant 3");
    answered(&browser, "SMALL00002", "good", "quadrant 4");
    browser.scan("$DONE");
    browser.says("Stamped and sealed");
    browser.until(
        "all samples in wells of 384",
        &format!(
            "document.querySelectorAll('.map.c24 td[data-well]').length === 384 \
             && document.querySelectorAll('.map td.full').length === {}",
            MORE + 2
        ),
    );
    let plate = floor.plate("BIG0000002");
    let stamped = [
        in_quadrant(&filled(&floor.plate("SMALL00001")), (0, 0)),
        in_quadrant(&filled(&floor.plate("SMALL00002")), (1, 0)),
    ];
    let mut stamped = stamped.concat();
    stamped.sort_unstable();
    assert_eq!(filled(&plate), stamped);
    browser.says("quadrant 3: SMALL00002");
    look(&browser, "plate-384");
    on_paper(&browser, "plate-384");
    in_chinese(&browser, "plate-384", || {
        browser.until("the map", "document.querySelector('.map.c24 td.full')");
    });
    browser.scan("$LOAD");
    browser.says("Scan plate, then instrument");
    answered(&browser, "BIG0000002", "good", "Now scan the instrument");
    answered(&browser, "cycler-2", "stop", "does not read such plates");
    answered(&browser, "cycler-1", "good", "BIG0000002");
    hand_in(&browser, &floor, "BIG0000002");
    browser.scan("$RESULTS");
    browser.until(
        "the calls of 384 wells",
        "document.querySelectorAll('.map.c24 td.positive').length === 8",
    );
    look(&browser, "results-384");
    browser.scan("$SAMPLE");
    browser.says("Scan any tube");
    browser.scan(&tubes[0]);
    browser.says("made with kit KIT-1");
    look(&browser, "sample-384");
    // What stops a tube says so in the page's language.
    browser.scan("$PLATE");
    browser.says("Scan plate, pool or tube");
    in_chinese(&browser, "plate-stop", || {
        browser.scan("BIG0000002");
        browser.answer_to("BIG0000002");
        browser.scan(&tubes[0]);
        let (tone, text) = browser.answer_to(&tubes[0]);
        assert_eq!(tone, "stop", "{text}");
        assert!(text.contains("此板不能再改动"), "{text}");
    });
    assert_eq!(floor.services.complaints(), Vec::<String>::new());
}
