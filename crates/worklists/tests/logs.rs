//! What robots' logs say of a plan: three formats, one story.

use tenfold_domain::well::{PlateSize, Well};
use tenfold_worklists::logs::{LogError, Verdict, compare, read};
use tenfold_worklists::{Grid, Labware, Place, Step, Worklist};

fn place(labware: &str, at: &str) -> Place {
    Place {
        labware: Labware {
            name: labware.to_owned(),
            size: Grid::Of96,
        },
        at: Well::parse(PlateSize::P96, at).expect("a well"),
    }
}

/// Four tubes of rack R-1 into wells A1 to D1 of PL-1, 100 ul each.
fn plan() -> Worklist {
    let steps = ["A1", "B1", "C1", "D1"].map(|at| Step {
        from: place("R-1", at),
        what: format!("TUBE-{at}"),
        to: place("PL-1", at),
        into: String::new(),
        ul: 100,
    });
    Worklist::new("plate PL-1", steps.to_vec()).expect("a plan")
}

/// What became of the four, in words, and how many movements nobody planned.
fn said(log: &[u8]) -> (Vec<String>, usize) {
    let log = read(log).expect("it reads");
    let (verdicts, strange) = compare(&plan(), &log);
    let words = verdicts.into_iter().map(|verdict| match verdict {
        Verdict::Done => "done".to_owned(),
        Verdict::Failed(why) => why,
        Verdict::NotSaid => "planned".to_owned(),
    });
    (words.collect(), strange.len())
}

const TRACE: &str = "\
2026-01-31 08:00:00> Microlab STAR : Initialize - complete; \r
2026-01-31 08:01:00> Microlab STAR : 1000ul Channel Aspirate (Single Step) - start; \r
2026-01-31 08:01:02> Microlab STAR : 1000ul Channel Aspirate (Single Step) - complete; channel 1: R-1, A1, 100.0 uL > channel 2: R-1, B1, 100.0 uL\r
2026-01-31 08:01:05> Microlab STAR : 1000ul Channel Dispense (Single Step) - complete; channel 1: PL-1, A1, 100.0 uL > channel 2: PL-1, B1, 40.0 uL\r
2026-01-31 08:01:09> Microlab STAR : 1000ul Channel Aspirate (Single Step) - complete with error; clot detected > channel 1: R-1, C1, 100.0 uL\r
2026-01-31 08:01:20> Microlab STAR : 1000ul Channel Aspirate (Single Step) - complete; channel 1: R-7, A1, 100.0 uL\r
2026-01-31 08:01:22> Microlab STAR : 1000ul Channel Dispense (Single Step) - complete; channel 1: PL-1, H12, 100.0 uL\r
";

#[test]
fn a_trace_says_what_each_channel_moved() {
    let (words, strange) = said(TRACE.as_bytes());
    assert_eq!(
        words,
        [
            "done",
            "only 40 of 100 ul were moved",
            "clot detected",
            "planned"
        ]
    );
    assert_eq!(strange, 1, "nobody planned R-7");
}

#[test]
fn a_trace_counts_what_is_complete_and_no_announcement() {
    let lines = [
        "Aspirate (Single Step) - complete; channel 1: R-1, A1, 100.0 uL",
        "Dispense (Single Step) - progress; channel 1: PL-1, A1, 100.0 uL",
        "Aspirate (Single Step) - complete; channel 2: R-1, B1, 100.0 uL",
        "Dispense (Single Step) - aborted by the user; channel 2: PL-1, B1, 100.0 uL",
        // Channel 3 has taken nothing up.
        "Dispense (Single Step) - complete; channel 3: PL-1, C1, 100.0 uL",
    ];
    let log: String = lines
        .iter()
        .map(|line| format!("2026-01-31 08:01:00> Microlab STAR : 1000ul Channel {line}\r\n"))
        .collect();
    let (words, strange) = said(log.as_bytes());
    assert_eq!(
        words,
        [
            "planned",
            "1000ul channel dispense (single step) aborted by the user",
            "planned",
            "planned"
        ]
    );
    assert_eq!(strange, 0);
}

#[test]
fn liquid_that_went_elsewhere_or_came_from_elsewhere_confirms_nothing() {
    let moves = [
        // The right tube into another's well, into the right well of another plate, and another rack's tube into the right well.
        ("R-1, A1", "PL-1, B1"),
        ("R-1, C1", "PL-2, C1"),
        ("R-2, D1", "PL-1, D1"),
    ];
    let log: String = moves
        .iter()
        .flat_map(|(from, to)| [("Aspirate", from), ("Dispense", to)])
        .map(|(what, at)| {
            format!(
                "2026-01-31 08:01:00> Microlab STAR : 1000ul Channel {what} (Single Step) - complete; channel 1: {at}, 100.0 uL\r\n"
            )
        })
        .collect();
    let (words, strange) = said(log.as_bytes());
    assert_eq!(words, ["planned"; 4]);
    assert_eq!(strange, 3, "nobody planned them");
}

fn command(kind: &str, status: &str, labware: &str, well: &str, ul: f64, error: &str) -> String {
    let error = if error.is_empty() {
        String::new()
    } else {
        format!(r#","error":{{"errorType":"OverpressureError","detail":"{error}"}}"#)
    };
    format!(
        r#"{{"commandType":"{kind}","status":"{status}","params":{{"pipetteId":"p","labwareId":"{labware}","wellName":"{well}","volume":{ul}}}{error}}}"#
    )
}

#[test]
fn the_commands_of_a_run_say_what_the_pipette_moved() {
    let load = |id: &str, label: &str| {
        format!(
            r#"{{"commandType":"loadLabware","status":"succeeded","params":{{"displayName":"{label}"}},"result":{{"labwareId":"{id}"}}}}"#
        )
    };
    let commands = [
        load("one", "R-1"),
        load("two", "PL-1"),
        command("aspirate", "succeeded", "one", "A1", 60.0, ""),
        command("dispense", "succeeded", "two", "A1", 60.0, ""),
        command("aspirate", "succeeded", "one", "A1", 40.0, ""),
        command("dispense", "succeeded", "two", "A1", 40.0, ""),
        command("aspirate", "failed", "one", "B1", 100.0, "no liquid"),
        command("aspirate", "succeeded", "one", "B1", 100.0, ""),
        command("dispense", "succeeded", "two", "B1", 100.0, ""),
        command("aspirate", "succeeded", "one", "C1", 100.0, ""),
        command("dispense", "failed", "two", "C1", 100.0, "clogged"),
        command("aspirate", "queued", "one", "D1", 100.0, ""),
        command("dispense", "queued", "two", "D1", 100.0, ""),
    ];
    let log = format!(
        r#"{{"data":[{}],"meta":{{"totalLength":12}}}}"#,
        commands.join(",")
    );
    let (words, strange) = said(log.as_bytes());
    assert_eq!(
        words,
        ["done", "done", "OverpressureError: clogged", "planned"],
        "two parts are one transfer, and a second try counts"
    );
    assert_eq!(strange, 0);
}

#[test]
fn a_tip_that_was_dropped_holds_nothing_any_more() {
    let drop = r#"{"commandType":"dropTip","status":"succeeded","params":{"pipetteId":"p"}}"#;
    let commands = [
        command("aspirate", "succeeded", "R-1", "A1", 100.0, ""),
        drop.to_owned(),
        command("dispense", "succeeded", "PL-1", "A1", 100.0, ""),
    ];
    let log = format!(r#"{{"data":[{}]}}"#, commands.join(","));
    assert_eq!(said(log.as_bytes()).0[0], "planned");
}

#[test]
fn a_log_is_bounded() {
    use tenfold_worklists::logs::{LOG_BYTES_MAX, MOVES_MAX};
    let mut table = String::from("SrcRack,SrcPos,DestRack,DestPos,Volume,Status\n");
    table.push_str(&"R-1,1,PL-1,1,100,OK\n".repeat(MOVES_MAX + 1));
    assert_eq!(read(table.as_bytes()), Err(LogError::TooMany));
    let bytes = LOG_BYTES_MAX + 1;
    assert_eq!(read(&vec![b' '; bytes]), Err(LogError::TooLong { bytes }));
}

#[test]
fn a_table_says_each_transfer_in_a_line() {
    let log = "\u{feff}Report of the night\r\nSrcRackLabel;SrcPos;DestRackLabel;DestPos;Volume;Status\r\n\
        R-1;1;PL-1;1;100,0;OK\r\nR-1;2;PL-1;2;100,0;clot\r\nR-1;C01;PL-1;C01;100;done\r\nR-1;4;PL-1;4;100;\r\n";
    assert_eq!(said(log.as_bytes()).0, ["done", "clot", "done", "planned"]);
}

#[test]
fn what_is_no_log_is_refused_with_the_line() {
    let table = "SrcRackLabel,SrcPos,DestRackLabel,DestPos,Volume,Status\nR-1,1,PL-1,1,much,OK\n";
    let header = "SrcRackLabel,SrcPos,DestRackLabel,DestPos,Volume,Status\n";
    let negative = format!("{header}R-1,1,PL-1,1,-100,OK\n");
    let nowhere = format!("{header}R-1,1,PL-1,,100,OK\n");
    let line = |what: &str| LogError::Line {
        line: 2,
        what: what.to_owned(),
    };
    for (text, expected) in [
        (negative.as_str(), line("\"-100\" is no volume")),
        (
            nowhere.as_str(),
            line("the source or the target is not whole"),
        ),
        ("", LogError::Unknown),
        ("A;R-1;R-1;;1;;100;;;;\n", LogError::Unknown),
        ("{\"data\": []}", LogError::Unknown),
        (
            table,
            LogError::Line {
                line: 2,
                what: "\"much\" is no volume".to_owned(),
            },
        ),
        (
            "2026-01-31 08:01:02> STAR : Aspirate - complete; channel 1: R-1, A1",
            LogError::Line {
                line: 1,
                what: "\"channel 1: R-1, A1\" names no channel, labware, position and volume"
                    .to_owned(),
            },
        ),
    ] {
        assert_eq!(read(text.as_bytes()), Err(expected), "{text}");
    }
    let plan_only = "SrcRackLabel,SrcPos,DestRackLabel,DestPos,Volume\nR-1,1,PL-1,1,100\n";
    assert_eq!(
        read(plan_only.as_bytes()),
        Err(LogError::Unknown),
        "a plan is no log"
    );
}

#[test]
fn any_bytes_are_read_or_refused() {
    let whole = TRACE.as_bytes();
    for cut in 0..whole.len() {
        let _ = read(&whole[..cut]);
        let mut bent = whole.to_vec();
        bent[cut] ^= 0x15;
        let _ = read(&bent);
    }
}
