//! Tables that no maker signs: any order of columns, any encoding, and what must be refused.

mod common;

use common::{cts, refused, table};
use proptest::prelude::*;
use tenfold_instruments::{Reason, TableMapping, bounds, read};

fn one(ct: &str) -> String {
    format!("well,target,ct\nA1,N,{ct}\n")
}

#[test]
fn no_ct_has_many_spellings_and_none_of_them_is_a_number() {
    for ct in [
        "",
        "Undetermined",
        "UNDETERMINED",
        "NaN",
        "N/A",
        "No Ct",
        "n. def.",
        "-1",
        "-1.0",
        "null",
        "Unknown",
    ] {
        assert_eq!(cts(&one(ct)), [None], "{ct}");
    }
}

#[test]
fn cts_are_numbers_above_0_and_at_most_100_or_errors() {
    for (ct, number) in [
        ("12.34567891", 12.345_678_91),
        (" 27.5 ", 27.5),
        ("40", 40.0),
        ("100", 100.0),
        ("1e2", 100.0),
        ("30.10000038146973", 30.100_000_381_469_73),
    ] {
        assert_eq!(cts(&one(ct)), [Some(number)], "{ct}");
    }
    for ct in [
        "27.5*", "<10", ">40", "0", "-2", "101", "Infinity", "inf", "positive", "-", "\"27,5\"",
    ] {
        let refused = refused(one(ct).as_bytes());
        assert_eq!(refused.reason, Reason::BadNumber, "{ct}");
        assert!(refused.message.contains("line 2"), "{refused}");
    }
}

#[test]
fn a_decimal_comma_is_read_where_the_comma_separates_no_fields() {
    assert_eq!(
        cts("well;target;ct\nA1;N;27,53\nA2;N;\nA3;N;-1,0\n"),
        [Some(27.53), None, None]
    );
    assert_eq!(cts("Well\tTarget\tCq\nA1\tN\t27,53\n"), [Some(27.53)]);
    assert_eq!(cts("well;target;ct\nA1;N;27.53\n"), [Some(27.53)]);
}

#[test]
fn every_line_end_byte_order_mark_and_encoding_is_read() {
    let plain = "well,target,ct\nA1,N,27.5\n";
    let wide: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(plain.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let files: Vec<Vec<u8>> = vec![
        plain.into(),
        plain.replace('\n', "\r\n").into(),
        plain.replace('\n', "\r").into(),
        plain.trim_end().into(),
        format!("\u{feff}{plain}").into(),
        wide,
        [plain.as_bytes(), b"A2,N,\nA3,N,,\xB5\n"].concat()[..plain.len()].to_vec(),
    ];
    for file in files {
        let table = table(&file);
        assert_eq!(table.reactions.len(), 1);
        assert_eq!(
            (table.reactions[0].place.line, table.reactions[0].reading.ct),
            (2, Some(27.5))
        );
    }
}

#[test]
fn windows_1252_is_read_where_utf_8_is_none() {
    let table = table(b"well,target,ct,sample\nA1,N,27.5,5 \xB5l f\xFCr\n");
    assert_eq!(table.reactions.len(), 1);
}

#[test]
fn lines_are_counted_as_a_person_counts_them() {
    let file = "# Plate: PL-7\n\nwell,target,ct\n\n,,\nA1,N,27.5\n\nA2,N,oops\n";
    assert!(refused(file.as_bytes()).message.contains("line 8"));
    let table = table(file.replace("oops", "").as_bytes());
    assert_eq!(table.about.plate, "PL-7");
    let lines: Vec<u32> = table.reactions.iter().map(|row| row.place.line).collect();
    assert_eq!(lines, [6, 8]);
}

#[test]
fn columns_are_found_by_any_of_their_names_in_any_order() {
    for header in [
        "Target Name,CT,Well Position",
        " target , Cq , Well ",
        "Target_Name,Cт,Pos",
        "Detector,Cp,WELL",
    ] {
        assert_eq!(
            cts(&format!("{header}\nN,27.5,A1\n")),
            [Some(27.5)],
            "{header}"
        );
    }
    let table = table(b"Well,Well Position,Target,Ct,Ct Mean\n1,A1,N,27.5,27.9\n");
    assert_eq!(
        (
            table.reactions[0].well.as_str(),
            table.reactions[0].reading.ct
        ),
        ("A1", Some(27.5))
    );
    assert!(
        table.warnings[0].contains("Ct Mean"),
        "{:?}",
        table.warnings
    );
}

#[test]
fn a_file_that_is_no_result_table_is_refused_with_what_it_is() {
    for (file, reason) in [
        (&b""[..], Reason::Empty),
        (b" \r\n ", Reason::Empty),
        (b"PK\x03\x04\0\0", Reason::Damaged),
        (b"\xD0\xCF\x11\xE0\0", Reason::Damaged),
        (b"<html><body>502</body></html>", Reason::Unsupported),
        (b"name,score\nx,1\n", Reason::NoTable),
        (b"well,target\nA1,N\n", Reason::MissingColumn),
        (b"well,ct\nA1,20\n", Reason::MissingColumn),
        (b"well,target,ct,ct\nA1,N,20,21\n", Reason::DuplicateColumn),
        (b"well,target,ct\nA1,N,27.5,surplus\n", Reason::BadRow),
        (b"well,target,ct\nA1,N,27.5\nA2,N", Reason::BadRow),
        (b"well,target,ct\n,N,27.5\n", Reason::BadRow),
        (
            b"plate,well,target,ct\nP1,A1,N,\nP2,A1,N,\n",
            Reason::SeveralPlates,
        ),
        (
            b"# Experiment Run End Time: Not Started\nwell,target,ct\nA1,N,\n",
            Reason::NotFinished,
        ),
    ] {
        assert_eq!(
            refused(file).reason,
            reason,
            "{}",
            String::from_utf8_lossy(file)
        );
    }
}

#[test]
fn a_header_alone_is_a_table_of_no_rows() {
    assert!(table(b"well,target,ct\n").reactions.is_empty());
}

#[test]
fn unused_wells_and_a_second_header_are_passed_over() {
    let table = table(b"well,target,ct\nA1,N,27.5\nA2\nA3,,\nwell,target,ct\nA4,N,\n");
    assert_eq!(table.reactions.len(), 2);
    assert!(
        table
            .warnings
            .iter()
            .any(|warning| warning.contains("header again"))
    );
}

#[test]
fn limits_are_named() {
    let long: String = (0..=bounds::REACTIONS_MAX)
        .map(|n| format!("A1,T{n},20\n"))
        .collect();
    let refused_rows = refused(format!("well,target,ct\n{long}").as_bytes());
    assert_eq!(refused_rows.reason, Reason::TooLong);
    let cell = "x".repeat(bounds::CELL_CHARS_MAX + 1);
    assert_eq!(
        refused(format!("well,target,ct,sample\nA1,N,20,{cell}\n").as_bytes()).reason,
        Reason::BadRow
    );
}

#[test]
fn a_table_of_the_lab_s_own_is_read_by_its_mapping() {
    let wide = TableMapping {
        name: "our LIMS".to_owned(),
        well: "Position".to_owned(),
        sample: "Tube".to_owned(),
        wells: Some(96),
        targets: [("Ct ORF", "ORF1ab"), ("Ct N", "N")]
            .map(|(column, target)| (column.to_owned(), target.to_owned()))
            .into(),
        ..TableMapping::default()
    };
    let long = TableMapping {
        name: "our robot".to_owned(),
        well: "Ort".to_owned(),
        target: "Nachweis".to_owned(),
        ct: "Wert".to_owned(),
        ..TableMapping::default()
    };
    let mappings = [wide, long];
    let file = "Tube;position;ct_orf;CT N\nT1;13;27,5;\nT2;14;Undetermined;30,1\n";
    let table = read(file.as_bytes(), &mappings).expect("read");
    let reactions: Vec<_> = table
        .reactions
        .iter()
        .map(|r| {
            (
                r.well.as_str(),
                r.target.as_str(),
                r.reading.ct,
                r.sample.as_str(),
            )
        })
        .collect();
    assert_eq!(table.format, "mapped table");
    assert_eq!(
        reactions,
        [
            ("B1", "N", None, "T1"),
            ("B1", "ORF1ab", Some(27.5), "T1"),
            ("B2", "N", Some(30.1), "T2"),
            ("B2", "ORF1ab", None, "T2"),
        ]
    );
    let table = read(b"Ort,Nachweis,Wert\nA1,N,20\n", &mappings).expect("read");
    assert_eq!(table.reactions.len(), 1);
    let refused = read(b"Ort,Nachweis\nA1,N\n", &mappings).expect_err("no column for the Ct");
    assert_eq!(refused.reason, Reason::NoTable);
}

#[test]
fn a_file_made_to_cost_memory_or_time_is_refused_early() {
    let bytes = 4_000_000;
    let lines = format!("well,target,ct\n{}", "a\n".repeat(bytes / 2));
    assert_eq!(refused(lines.as_bytes()).reason, Reason::TooLong);
    let wide = format!("well,target,ct\na{}b\n", ",".repeat(bytes));
    let wide = refused(wide.as_bytes());
    assert_eq!(wide.reason, Reason::BadRow);
    assert!(wide.message.len() < 200, "{wide}");
    let plates: String = (0..9_000).map(|n| format!("P{n},A1,N,\n")).collect();
    let plates = refused(format!("plate,well,target,ct\n{plates}").as_bytes());
    assert_eq!(plates.reason, Reason::SeveralPlates);
    assert!(plates.message.len() < 300, "{plates}");
    let huge = vec![b'a'; bounds::FILE_BYTES_MAX + 1];
    assert_eq!(refused(&huge).reason, Reason::TooLarge);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &[]);
    }

    #[test]
    fn any_cells_are_read_or_refused(cells in "well,target,ct[\r\n][A-H0-9,;\"\t\r\n.Nn-]{0,80}") {
        let _ = read(cells.as_bytes(), &[]);
    }
}
