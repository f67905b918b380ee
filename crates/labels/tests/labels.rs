//! The lab prints labels before the first tubes come: two pool tubes and a plate.

mod read;

use proptest::prelude::*;
use tenfold_labels::{Label, LabelError, Pdf, Png, Printout, Stock, Svg, Symbology, Zpl, print};

fn stock(size: &str, dpi: u16) -> Stock {
    Stock::parse(size, dpi).expect("a size")
}

fn text(out: &dyn Printout, labels: &[Label], stock: Stock, copies: u16) -> String {
    let bytes = print(out, labels, stock, copies).expect("it prints");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_pool_tube_gets_a_square_and_its_number_in_large_letters() {
    let labels = [Label::pool("lab-1", 17, Symbology::DataMatrix)];
    let zpl = text(&Zpl, &labels, stock("30x12", 203), 2);
    assert_eq!(
        zpl,
        "\
^XA
^CI28
^PW239
^LL95
^LH0,0
^FO11,19
^BXN,4,200,,,,#^FH_^FDlab-1/P17^FS
^FO78,15^A0N,27,16^FH_^FDP17^FS
^FO78,57^A0N,16,9^FH_^FDlab-1^FS
^PQ2
^XZ
"
    );
}

#[test]
fn a_plate_gets_bars_for_any_scanner() {
    let labels = [Label::plate("lab-1", "PL-000123", Symbology::Code128)];
    let zpl = text(&Zpl, &labels, stock("60x15", 300), 1);
    assert_eq!(
        zpl,
        "\
^XA
^CI28
^PW708
^LL177
^LH0,0
^FO86,17^BY4
^BCN,73,N,N,N,A^FH_^FDPL-000123^FS
^FO17,94^A0N,26,15^FH_^FDPL-000123^FS
^FO17,135^A0N,15,9^FH_^FDlab-1^FS
^PQ1
^XZ
"
    );
}

#[test]
fn what_is_no_text_for_a_printer_is_written_in_hexadecimal() {
    let mut label = Label::plate("lab^XZ~JR", "A^B~C\\D_E", Symbology::Code128);
    label.notes.push("two\nlines".to_owned());
    let zpl = text(&Zpl, &[label], stock("80x40", 203), 1);
    assert!(zpl.contains("^FDA_5EB_7EC_5CD_5FE^FS"), "{zpl}");
    assert!(zpl.contains("^FDlab_5EXZ_7EJR^FS"), "{zpl}");
    assert!(zpl.contains("^FDtwo lines^FS"), "{zpl}");
    assert_eq!(zpl.matches("^XZ").count(), 1, "one label, one end");
    assert_eq!(zpl.matches('~').count(), 0);
}

#[test]
fn the_sign_of_escapes_is_one_that_the_code_does_not_have() {
    let label = Label::plate("lab-1", "#1$2", Symbology::DataMatrix);
    let zpl = text(&Zpl, &[label], stock("50x25", 203), 1);
    assert!(zpl.contains(",200,,,,%^FH_^FD#1$2^FS"), "{zpl}");
}

#[test]
fn a_label_too_small_for_its_bars_is_refused_with_what_to_do() {
    let label = Label::pool("lab-1", 123_456, Symbology::Code128);
    let small = stock("20x10", 203);
    let refused = print(&Zpl, std::slice::from_ref(&label), small, 1);
    let told = refused.expect_err("too thin to scan").to_string();
    assert!(told.contains("take a larger label"), "{told}");
    let square = Label::pool("lab-1", 123_456, Symbology::DataMatrix);
    assert!(print(&Zpl, &[square], small, 1).is_ok(), "a square fits");
}

#[test]
fn what_no_symbol_can_hold_is_refused() {
    for code in ["", "has space", "中文", "A>B", &"A".repeat(49)] {
        let label = Label::plate("lab-1", code, Symbology::Code128);
        let refused = print(&Zpl, &[label], stock("100x50", 203), 1);
        assert!(matches!(refused, Err(LabelError::Code { .. })), "{code:?}");
    }
    let label = Label::pool("lab-1", 1, Symbology::DataMatrix);
    let one = [label];
    assert!(print(&Zpl, &[], stock("50x25", 203), 1).is_err());
    assert!(print(&Zpl, &one, stock("50x25", 203), 0).is_err());
    assert!(print(&Zpl, &one, stock("50x25", 203), 101).is_err());
    assert!(Stock::parse("50", 203).is_err());
    assert!(Stock::parse("5x5", 203).is_err());
    assert!(Stock::parse("50x25", 96).is_err());
}

#[test]
fn a_sheet_of_paper_holds_as_many_labels_as_fit() {
    let labels: Vec<Label> = (1..=70)
        .map(|number| Label::pool("lab-1", number, Symbology::DataMatrix))
        .collect();
    let pdf = print(&Pdf, &labels, stock("50x25", 300), 1).expect("it prints");
    assert!(pdf.starts_with(b"%PDF-1."));
    let text = String::from_utf8_lossy(&pdf);
    // 3 by 10 on a sheet.
    assert_eq!(
        text.matches("/Type /Page\n").count(),
        3,
        "70 on sheets of 30"
    );
    for shown in ["(P1)", "(P70)", "(lab-1)"] {
        assert!(text.contains(shown), "{shown}");
    }
    let copies = print(&Pdf, &labels[..1], stock("50x25", 300), 31).expect("it prints");
    assert_eq!(String::from_utf8_lossy(&copies).matches("(P1)").count(), 31);
}

/// A picture's pixels as 0 (black) to 3 (white), row by row, and its width.
fn pixels(png: &[u8]) -> (Vec<u8>, usize) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a picture");
    let mut bytes = vec![0; reader.output_buffer_size().expect("its size")];
    let info = reader.next_frame(&mut bytes).expect("its pixels");
    bytes.truncate(info.buffer_size());
    let pixels = bytes.iter().map(|grey| grey / 85).collect();
    (pixels, info.width as usize)
}

#[test]
fn a_picture_shows_each_dot_that_the_printer_burns_and_letters_where_they_stand() {
    for symbology in [Symbology::DataMatrix, Symbology::Code128] {
        let label = Label::pool("lab-1", 17, symbology);
        let stock = stock("50x25", 203);
        let placed = tenfold_labels::layout::place(&label, stock).expect("it fits");
        let two = [label.clone(), label];
        let (pixels, width) = pixels(&print(&Png, &two, stock, 3).expect("it prints"));
        assert_eq!(width, stock.width_dots() as usize);
        let height = stock.height_dots() as usize;
        assert_eq!(
            pixels.len() / width,
            2 * height + 12,
            "copies are not drawn again"
        );
        let (left, top) = placed.at;
        let at = |x: u32, y: u32| pixels[y as usize * width + x as usize];
        for y in 0..placed.modules.height * placed.row {
            for x in 0..placed.modules.width * placed.module {
                let (column, row) = (x / placed.module, y / placed.row);
                let dark = placed.modules.dark.iter().any(|(from, of, length)| {
                    *of == row && (*from..from + length).contains(&column)
                });
                assert_eq!(at(left + x, top + y), if dark { 0 } else { 3 }, "{x} {y}");
            }
        }
        for text in &placed.texts {
            let ink = (text.y..text.y + text.height)
                .flat_map(|y| (text.x..stock.width_dots()).map(move |x| (x, y)))
                .filter(|(x, y)| at(*x, *y) == 0)
                .count();
            assert!(ink > 20, "{text:?}");
        }
        let (first, rest) = pixels.split_at(height * width);
        assert_eq!(
            first,
            &rest[12 * width..],
            "the second looks like the first"
        );
        assert!(rest[..12 * width].iter().all(|grey| *grey == 2));
    }
}

#[test]
fn a_picture_of_a_whole_roll_shows_as_many_labels_as_a_screen_can_bear() {
    let roll: Vec<Label> = (1..=2_000)
        .map(|number| Label::pool("lab-1", number, Symbology::DataMatrix))
        .collect();
    let (pixels, width) = pixels(&print(&Png, &roll, stock("50x25", 600), 1).expect("it prints"));
    let labels = (pixels.len() / width + 12) / (590 + 12);
    assert_eq!((width, labels), (1_181, 94), "of 590 dots, and gaps of 12");
}

#[test]
fn a_scanner_of_another_family_finds_the_symbol_in_the_picture_and_reads_it() {
    let letters: Vec<u8> = (b'!'..=b'~').filter(|letter| *letter != b'>').collect();
    let mut read = 0;
    for (dpi, lengths) in [(203, 1..=24), (300, 1..=24), (600, 12..=13)] {
        for length in lengths {
            // Each length begins elsewhere in the alphabet, so that all letters come.
            let code: Vec<u8> = (0..length)
                .map(|at| letters[(at * 7 + length * 11) % letters.len()])
                .collect();
            let code = String::from_utf8(code).expect("ASCII");
            for symbology in [Symbology::DataMatrix, Symbology::Code128] {
                let label = Label::plate("lab-1", &code, symbology);
                let picture = print(&Png, &[label], stock("110x40", dpi), 1).expect("it prints");
                let (pixels, width) = pixels(&picture);
                let grey = pixels.into_iter().map(|pixel| pixel * 85).collect();
                let found = read::found(grey, width, symbology);
                assert_eq!(found.as_ref(), Ok(&code), "{symbology:?} at {dpi} dpi");
                read += 1;
            }
        }
    }
    assert_eq!(read, 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_printed_is_what_is_scanned(code in "[!-=?-~]{1,24}", dpi in prop::sample::select(vec![203u16, 300, 600])) {
        let stock = stock("110x40", dpi);
        let bars = Label::plate("lab-1", &code, Symbology::Code128);
        prop_assert_eq!(read::code128(&text(&Svg, &[bars], stock, 1)), code.clone());
        let square = Label::plate("lab-1", &code, Symbology::DataMatrix);
        prop_assert_eq!(read::data_matrix(&text(&Svg, &[square], stock, 1)), code);
    }

    #[test]
    fn nothing_stands_outside_its_label(
        number in 1u64..10_000_000, width in 20u16..120, height in 8u16..80, square: bool,
    ) {
        let symbology = if square { Symbology::DataMatrix } else { Symbology::Code128 };
        let stock = Stock { width, height, dpi: 203 };
        let label = Label::pool("lab-1", number, symbology);
        let Ok(placed) = tenfold_labels::layout::place(&label, stock) else { return Ok(()) };
        let (x, y) = placed.at;
        prop_assert!(x + placed.modules.width * placed.module <= stock.width_dots());
        prop_assert!(y + placed.modules.height * placed.row <= stock.height_dots());
        for text in &placed.texts {
            let letters = u32::try_from(text.text.len()).expect("few");
            prop_assert!(text.x + letters * text.height * 60 / 100 <= stock.width_dots(), "{text:?}");
            prop_assert!(text.y + text.height <= stock.height_dots(), "{text:?}");
        }
    }
}
