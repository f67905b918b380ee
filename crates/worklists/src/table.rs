//! Text that becomes a cell: separators and line ends in it must not make another cell or line.

/// A cell of a format that has no quotes: separators and control characters become spaces.
pub fn plain(text: &str, separator: char) -> String {
    let one = |letter: char| {
        if letter == separator || letter.is_control() {
            ' '
        } else {
            letter
        }
    };
    text.chars().map(one).collect()
}

/// Rows as CSV, quoted where needed, with the line ends that instruments' programs write.
pub fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        // Into memory: it cannot fail.
        let _ = writer.write_record(row.iter().map(|cell| cell.replace(['\r', '\n'], " ")));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}
