//! Reads a preview as a scanner would: what is dark in the picture, and what that says. Bars are read as the standard says,
//! and not with the encoder's tables; pictures as a whole by a library of another family than what draws symbols.

use rxing::BarcodeFormat;
use tenfold_labels::Symbology;

/// Widths of bars and spaces of Code 128's characters by their value (ISO/IEC 15417); 104 starts set B, 106 stops.
const WIDTHS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212",
    "221213", "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221",
    "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122", "321221",
    "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131",
    "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131",
    "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111",
    "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242",
    "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// Dark rectangles of the first label of an SVG: x, y, width, height in millimetres.
pub fn dark(svg: &str) -> Vec<(f32, f32, f32, f32)> {
    let path = svg.split("d=\"").nth(1).expect("a path");
    let path = path.split('"').next().expect("its end");
    path.split('M')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (at, rest) = part.split_once('h').expect("a width");
            let (x, y) = at.split_once(' ').expect("a corner");
            let (w, rest) = rest.split_once('v').expect("a height");
            let (h, _) = rest.split_once('h').expect("the way back");
            let number = |text: &str| text.parse::<f32>().expect("a number");
            (number(x), number(y), number(w), number(h))
        })
        .collect()
}

/// What the bars of a picture say.
pub fn code128(svg: &str) -> String {
    let bars = dark(svg);
    // A start B begins with a bar of two modules.
    let module = bars[0].2 / 2.0;
    let mut widths = String::new();
    for (at, (x, _, w, _)) in bars.iter().enumerate() {
        widths.push_str(&format!("{:.0}", w / module));
        if let Some((next, ..)) = bars.get(at + 1) {
            widths.push_str(&format!("{:.0}", (next - x - w) / module));
        }
    }
    let (body, stop) = widths.split_at(widths.len() - 7);
    assert_eq!(stop, WIDTHS[106], "no stop");
    let values: Vec<usize> = (0..body.len() / 6)
        .map(|at| {
            let character = &body[at * 6..at * 6 + 6];
            WIDTHS
                .iter()
                .position(|known| *known == character)
                .unwrap_or_else(|| panic!("no character {character}"))
        })
        .collect();
    let (check, data) = values.split_last().expect("a check character");
    let (start, data) = data.split_first().expect("a start");
    let sum: usize = data.iter().zip(1..).map(|(value, at)| value * at).sum();
    assert_eq!((start + sum) % 103, *check, "the check character is wrong");
    assert_eq!(*start, 104, "set B");
    data.iter()
        .map(|value| char::from(u8::try_from(value + 32).expect("ASCII")))
        .collect()
}

/// What the square of a picture says: its modules are read off the picture, and decoded with error correction.
pub fn data_matrix(svg: &str) -> String {
    let dark = dark(svg);
    let left = dark.iter().map(|d| d.0).fold(f32::MAX, f32::min);
    let top = dark.iter().map(|d| d.1).fold(f32::MAX, f32::min);
    let right = dark.iter().map(|d| d.0 + d.2).fold(0.0, f32::max);
    let module = dark[0].3;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let cells = |mm: f32| (mm / module).round() as usize;
    let side = cells(right - left);
    let mut pixels = vec![false; side * side];
    for (x, y, w, _) in dark {
        let (column, row) = (cells(x - left), cells(y - top));
        for pixel in &mut pixels[row * side + column..][..cells(w)] {
            *pixel = true;
        }
    }
    let data = datamatrix::DataMatrix::decode(&pixels, side).expect("it is decoded");
    String::from_utf8(data).expect("ASCII")
}

/// What a scanner finds in a picture of greys, row by row: where the symbol is, nobody tells it.
pub fn found(grey: Vec<u8>, width: usize, symbology: Symbology) -> Result<String, String> {
    let format = match symbology {
        Symbology::Code128 => BarcodeFormat::CODE_128,
        Symbology::DataMatrix => BarcodeFormat::DATA_MATRIX,
    };
    let side = |pixels: usize| u32::try_from(pixels).expect("a picture's side");
    let height = side(grey.len() / width);
    rxing::helpers::detect_in_luma(grey, side(width), height, Some(format))
        .map(|symbol| symbol.getText().to_owned())
        .map_err(|why| why.to_string())
}
