//! Compares with files in `golden/`. `WRITE_GOLDEN=1` writes them: then read them before they are committed.

use std::path::Path;

/// The text is what the file says; CR LF is written as LF there.
pub fn same(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    assert!(text.ends_with('\n'), "{name} ends in the middle of a line");
    let text = text.replace("\r\n", "\n");
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("it is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(text, golden, "{name}");
}
