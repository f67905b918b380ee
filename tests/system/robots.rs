//! What robots did, as their own logs say: a rack is pooled by a Hamilton, and a plate is filled by an Opentrons.

use crate::embedded::all_in_one;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tenfold_tests::process::{program, run};

/// Longest wait for what goes through the log.
const PATIENCE: Duration = Duration::from_secs(120);

const TUBES: usize = 12;

/// The command line at one server.
pub struct Tenfold(pub String);

impl Tenfold {
    /// What a command answers; it must succeed.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        let all = [&["--json", "--server", &self.0], arguments].concat();
        let (status, said, told) = run(&program("tenfold"), &all);
        assert!(status.success(), "{arguments:?}: {told}");
        let first = said.lines().next().unwrap_or("null");
        serde_json::from_str(first).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
    }

    fn plate(&self, plate: &str) -> Value {
        self.ask(&["plate", "get", plate, "--lab", "lab-1"])
    }

    fn tube(&self, tube: &str) -> Value {
        self.ask(&["tube", "get", tube, "--lab", "lab-1"])
    }
}

/// The tubes of the rack.
pub fn barcode(number: usize) -> String {
    format!("ROBOT{number:05}")
}

/// Twelve tubes of rack R-1, registered, received and known.
pub fn in_a_rack(tenfold: &Tenfold, folder: &Path) {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy.toml");
    tenfold.ask(&["policy", "apply", &policy.to_string_lossy()]);
    let mut file = String::from(
        "barcode,site,kind,specimen_type,sampling_class,subjects,collected_at,transport_box\n",
    );
    for number in 0..TUBES {
        let tube = barcode(number);
        file += &format!(
            "{tube},s-01,person,np-swab,routine,p-{tube},2026-01-31T08:00:00+08:00,BOX-1\n"
        );
    }
    let path = folder.join("tubes.csv");
    std::fs::write(&path, file).expect("written");
    tenfold.ask(&["register", &path.to_string_lossy()]);
    let places: Vec<String> = (0..TUBES)
        .map(|at| format!("{}={}", place(at), barcode(at)))
        .collect();
    let mut receive = vec!["receive", "--lab", "lab-1", "--rack", "R-1"];
    receive.extend(places.iter().map(String::as_str));
    tenfold.ask(&receive);
    let began = Instant::now();
    for number in 0..TUBES {
        while tenfold.tube(&barcode(number))["stage"] != "POOLING_STAGE_WAITING" {
            assert!(
                began.elapsed() < PATIENCE,
                "{}",
                tenfold.tube(&barcode(number))
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A place of a rack, down the columns.
fn place(at: usize) -> String {
    let row = char::from(b'A' + u8::try_from(at % 8).expect("a row"));
    format!("{row}{}", at / 8 + 1)
}

/// A trace of Venus: each line of the worklist is aspirated and dispensed, up to one that is left out.
fn trace(worklist: &str, clot_in: &str, last: &str) -> String {
    let mut log = String::from("2026-01-31 08:00:00> Microlab STAR : Initialize - complete; \r\n");
    let mut line = |what: &str, said: &str| {
        log += &format!(
            "2026-01-31 08:01:00> Microlab STAR : 1000ul Channel {what} (Single Step) - {said}\r\n"
        );
    };
    for row in worklist.lines().skip(1) {
        let field: Vec<&str> = row.split(',').collect();
        let (from, to) = (&field[1..4], &field[4..6]);
        if from[2] == last {
            break;
        }
        let at =
            |place: &[&str]| format!("channel 1: {}, {}, {}.0 uL", place[0], place[1], field[7]);
        if from[2] == clot_in {
            line(
                "Aspirate",
                &format!("complete with error; clot detected > {}", at(from)),
            );
        } else {
            line("Aspirate", &format!("complete; {}", at(from)));
            line("Dispense", &format!("complete; {}", at(to)));
        }
    }
    log
}

/// The commands of a run of an Opentrons protocol, as the robot gives them; the first dispense failed.
fn commands(protocol: &str) -> String {
    let list = |name: &str| -> Value {
        let from = protocol.find(&format!("{name} = [")).expect("a list") + name.len() + 3;
        let text = &protocol[from..];
        let end = text
            .find("]\n\n")
            .or_else(|| text.find("]]\n"))
            .expect("its end");
        let text: String = text[..=end]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let text = text.replace("],]", "]]").replace(", ]", "]");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let mut data = Vec::new();
    for labware in list("LABWARE").as_array().expect("labware") {
        data.push(json!({
            "commandType": "loadLabware", "status": "succeeded",
            "params": { "displayName": labware[0] }, "result": { "labwareId": format!("id of {}", labware[0]) },
        }));
    }
    for (number, transfer) in list("TRANSFERS")
        .as_array()
        .expect("transfers")
        .iter()
        .enumerate()
    {
        for (kind, labware, at) in [("aspirate", 0, 1), ("dispense", 3, 4)] {
            let failed = number == 0 && kind == "dispense";
            let mut command = json!({
                "commandType": kind, "status": if failed { "failed" } else { "succeeded" },
                "params": {
                    "pipetteId": "left", "labwareId": format!("id of {}", transfer[labware]),
                    "wellName": transfer[at], "volume": transfer[6],
                },
            });
            if failed {
                command["error"] = json!({ "errorType": "OverpressureError", "detail": "clogged" });
            }
            data.push(command);
        }
    }
    json!({ "data": data }).to_string()
}

#[test]
fn robots_logs_confirm_their_worklists_and_what_failed_waits_again() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let process = all_in_one(folder.path());
    let tenfold = Tenfold(process.address());
    in_a_rack(&tenfold, folder.path());
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();

    // The Hamilton pools the rack: one tube has a clot, and the trace ends before the last one.
    let planned = tenfold.ask(&[
        "pool",
        "plan-rack",
        "R-1",
        "--bench",
        "robot",
        "--lab",
        "lab-1",
    ]);
    assert_eq!(
        planned["tubes"].as_array().map(Vec::len),
        Some(TUBES),
        "{planned}"
    );
    let worklist = file("pools.csv");
    let pools = ["P1", "P2"];
    let mut write = vec!["worklist", "pool"];
    write.extend(pools);
    write.extend(["--for", "hamilton", "--lab", "lab-1", "--out", &worklist]);
    tenfold.ask(&write);
    let rows = std::fs::read_to_string(&worklist).expect("a worklist");
    assert_eq!(rows.lines().count(), 1 + TUBES, "{rows}");
    let (clot, last) = (barcode(3), barcode(TUBES - 1));
    std::fs::write(file("run.trc"), trace(&rows, &clot, &last)).expect("written");
    let run_log = file("run.trc");
    let mut confirm = vec!["confirm-worklist", &run_log, "--pools"];
    confirm.extend(pools);
    confirm.extend(["--bench", "robot", "--lab", "lab-1"]);
    let mut dry = confirm.clone();
    dry.push("--dry-run");
    let shown = tenfold.ask(&dry);
    assert_eq!(
        tenfold.tube(&barcode(0))["volume_ul"],
        3_000,
        "nothing was recorded"
    );
    let told = tenfold.ask(&confirm);
    assert_eq!(told, shown);
    assert_eq!(
        (
            &told["format"],
            &told["done"],
            &told["failed"],
            &told["planned"]
        ),
        (
            &json!("Hamilton trace"),
            &json!(TUBES - 2),
            &json!(1),
            &json!(1)
        ),
        "{told}"
    );
    assert_eq!(tenfold.tube(&barcode(0))["volume_ul"], 2_900);
    let failed = tenfold.tube(&clot);
    assert_eq!(failed["stage"], "POOLING_STAGE_WAITING", "{failed}");
    assert!(failed.to_string().contains("clot detected"), "{failed}");
    assert_eq!(
        tenfold.tube(&last)["volume_ul"],
        3_000,
        "it is still planned"
    );

    // A person does the rest; the Opentrons fills the plate from the pool tubes.
    tenfold.ask(&[
        "pool",
        "confirm-rack",
        "R-1",
        "--bench",
        "robot",
        "--lab",
        "lab-1",
    ]);
    for pool in pools {
        let id = format!("lab-1/{pool}");
        if tenfold.ask(&["pool", "get", &id, "--lab", "lab-1"])["state"] == "open" {
            tenfold.ask(&["pool", "close", &id, "--lab", "lab-1"]);
        }
    }
    tenfold.ask(&[
        "plate",
        "start",
        "PL-1",
        "--assay",
        "default-cn",
        "--lab",
        "lab-1",
    ]);
    let filled = tenfold.ask(&["plate", "fill", "PL-1", "--lab", "lab-1"]);
    assert_eq!(
        filled["wells"].as_array().map(Vec::len),
        Some(2),
        "{filled}"
    );
    let protocol = file("pl-1.py");
    tenfold.ask(&[
        "worklist",
        "plate",
        "PL-1",
        "--for",
        "opentrons",
        "--lab",
        "lab-1",
        "--out",
        &protocol,
    ]);
    let protocol = std::fs::read_to_string(&protocol).expect("a protocol");
    std::fs::write(file("run.json"), commands(&protocol)).expect("written");
    let confirm = [
        "confirm-worklist",
        &file("run.json"),
        "--plate",
        "PL-1",
        "--lab",
        "lab-1",
    ];
    let told = tenfold.ask(&confirm);
    assert_eq!(
        (
            &told["format"],
            &told["done"],
            &told["failed"],
            &told["unplanned"]
        ),
        (&json!("Opentrons run"), &json!(1), &json!(1), &json!(0)),
        "{told}"
    );
    let wells = tenfold.plate("PL-1")["wells"].clone();
    let with = |key: &str| {
        wells
            .as_array()
            .expect("wells")
            .iter()
            .filter(|w| w[key].is_string())
            .count()
    };
    assert_eq!((with("transferred_by"), with("lost")), (1, 1), "{wells}");
    assert!(
        wells.to_string().contains("OverpressureError: clogged"),
        "{wells}"
    );
    // The pool whose dispense failed waits for another well.
    let again = tenfold.ask(&["plate", "fill", "PL-1", "--lab", "lab-1"]);
    assert_eq!(again["wells"].as_array().map(Vec::len), Some(1), "{again}");
}
