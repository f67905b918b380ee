//! A plate goes to an instrument with its sheet; the file that comes back names wells and samples as the sheet did, and
//! Tenfold's own readers find them.

mod golden;

use golden::same;
use tenfold_domain::message::Control;
use tenfold_domain::well::{PlateSize, Well};
use tenfold_instruments::{Role, RunTable, read};
use tenfold_worklists::sheets::{Cfx, Channel, Lc480, QuantStudio, SampleSheet, Sheet, SheetWell};

fn well(size: PlateSize, at: &str, sample: &str, control: Option<Control>) -> SheetWell {
    SheetWell {
        well: Well::parse(size, at).expect("a well"),
        sample: sample.to_owned(),
        control,
    }
}

fn plate(size: PlateSize, last: &str) -> Sheet {
    Sheet {
        plate: "PL-1".to_owned(),
        size,
        targets: vec![
            Channel::of("N", &["vic".to_owned()]),
            Channel::of("ORF1ab", &["ORF".to_owned(), "FAM".to_owned()]),
            Channel::of("IC", &[]),
        ],
        wells: vec![
            well(size, "A1", "lab-1/P17", None),
            well(size, "B3", "lab-1/T99", None),
            well(size, "C1", "WP", Some(Control::WeakPositive)),
            well(size, "D1", "BN", Some(Control::BatchNegative)),
            well(size, "H11", "PC", Some(Control::Positive)),
            well(size, last, "NC", Some(Control::Negative)),
        ],
    }
}

#[test]
fn each_instrument_is_told_the_same_in_its_own_words() {
    let plate = plate(PlateSize::P96, "H12");
    let cfx = Cfx {
        target: "N".to_owned(),
    };
    same("plate.quantstudio.txt", &QuantStudio.write(&plate));
    same("plate.cfx.csv", &cfx.write(&plate));
    same("plate.lc480.txt", &Lc480.write(&plate));
}

/// Well, target, sample of every reaction a reader found.
fn told(table: &RunTable) -> Vec<(String, String, String)> {
    let reactions = table.reactions.iter();
    reactions
        .map(|r| (r.well.clone(), r.target.clone(), r.sample.clone()))
        .collect()
}

#[test]
fn a_quantstudio_that_took_the_sheet_answers_with_its_wells_samples_and_tasks() {
    for (size, last) in [(PlateSize::P96, "H12"), (PlateSize::P384, "P24")] {
        let plate = plate(size, last);
        let sheet = QuantStudio.write(&plate);
        // What such a program exports: the same rows under [Results], with a Ct.
        let (head, rows) = sheet.split_once("[Sample Setup]\r\n").expect("a section");
        let mut export = format!("{head}[Results]\r\n");
        for (number, line) in rows.lines().enumerate() {
            let ct = if number == 0 { "\tCT" } else { "\t31.25" };
            export.push_str(&format!("{line}{ct}\r\n"));
        }
        let table = read(export.as_bytes(), &[]).expect("it is read");
        let wanted: Vec<_> = plate
            .wells
            .iter()
            .flat_map(|well| {
                let row =
                    |c: &Channel| (well.well.to_string(), c.target.clone(), well.sample.clone());
                plate.targets.iter().map(row).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(told(&table), wanted);
        for reaction in &table.reactions {
            let role = match reaction.sample.as_str() {
                "WP" | "PC" => Role::Positive,
                "BN" | "NC" => Role::NoTemplate,
                _ => Role::Unknown,
            };
            assert_eq!(reaction.role, role, "{}", reaction.well);
        }
        assert_eq!(table.about.wells, Some(size.wells()));
    }
}

#[test]
fn a_cfx_that_took_the_sheet_answers_with_its_wells_and_samples() {
    let plate = plate(PlateSize::P96, "H12");
    let sheet = Cfx {
        target: "N".to_owned(),
    }
    .write(&plate);
    let mut rows = csv::Reader::from_reader(sheet.as_bytes());
    let mut export = ",Well,Fluor,Target,Content,Sample,Cq\n".to_owned();
    for row in rows.records().map(|row| row.expect("a row")) {
        let column: u8 = row[1].parse().expect("a number");
        export.push_str(&format!(
            ",{}{column:02},FAM,{},Unkn,{},31.25\n",
            &row[0], &row[2], &row[3]
        ));
    }
    let table = read(export.as_bytes(), &[]).expect("it is read");
    let wanted: Vec<_> = plate
        .wells
        .iter()
        .map(|well| (well.well.to_string(), "N".to_owned(), well.sample.clone()))
        .collect();
    assert_eq!(told(&table), wanted);
}

#[test]
fn a_lightcycler_that_took_the_list_answers_with_its_wells_and_samples() {
    let plate = plate(PlateSize::P384, "P24");
    let sheet = Lc480.write(&plate);
    let refused = read(sheet.as_bytes(), &[]).expect_err("a list of samples is no result");
    assert_eq!(refused.reason.code(), "UNSUPPORTED_FORMAT");
    let mut export = "Experiment: run 7  Selected Filter: FAM (465-510)\n\
        Include\tColor\tPos\tName\tCp\tConcentration\tStandard\tStatus\n"
        .to_owned();
    for line in sheet.lines().skip(1) {
        let mut cells = line.split('\t');
        let at = cells.next().expect("a position");
        let name = cells.next().expect("a name").trim_matches('"');
        export.push_str(&format!("True\t255\t{at}\t{name}\t31.25\t\t0\t\n"));
    }
    let table = read(export.as_bytes(), &[]).expect("it is read");
    assert_eq!(table.reactions.len(), 384);
    for well in &plate.wells {
        let at = well.well.to_string();
        let found = table
            .reactions
            .iter()
            .find(|r| r.well == at)
            .expect("it is there");
        assert_eq!(found.sample, well.sample);
    }
}

#[test]
fn a_name_with_separators_stays_in_its_cell() {
    let mut plate = plate(PlateSize::P96, "H12");
    plate.wells[0].sample = "a\tb,\"c\"\r\nd".to_owned();
    let rows = QuantStudio.write(&plate).lines().count();
    assert_eq!(rows, 6 + 6 * 3);
    let cfx = Cfx::default().write(&plate);
    let mut reader = csv::Reader::from_reader(cfx.as_bytes());
    let first = reader.records().next().expect("a row").expect("a row");
    assert_eq!(&first[3], "a\tb,\"c\"  d");
    assert_eq!(Lc480.write(&plate).lines().count(), 97);
}
