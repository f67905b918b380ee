//! Files that nobody should send: whatever the bytes, a file is read or refused, without a panic, within
//! bounded memory and time.

use proptest::prelude::*;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tenfold_instruments::{Reason, read};

/// Most memory that the process of these tests may ever take, in KiB.
const MEMORY_MAX_KIB: u64 = 1_500_000;

/// Longest any one file may take; generous, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let end = path.extension().and_then(|end| end.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if !matches!(end, Some("table" | "refused")) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                files.push((name.into_owned(), std::fs::read(&path).expect("a file")));
            }
        }
    }
    files.sort();
    files
}

fn examples() -> &'static [(String, Vec<u8>)] {
    static EXAMPLES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| folder("files"))
}

/// The most memory this process ever had, if the system tells.
fn memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn files_made_to_cost_memory_or_time_are_refused_or_cost_little() {
    let wanted = [
        ("blank-rows-without-end.xlsx", None),
        ("corners-of-many-sheets.xls", Some(Reason::TooLong)),
        ("ends-before-it-begins.xls", Some(Reason::Damaged)),
        ("far-corners.xlsx", Some(Reason::BadRow)),
        ("many-entries.zip", Some(Reason::UnpacksTooLarge)),
        ("says-it-has-many-texts.xlsx", Some(Reason::UnpacksTooLarge)),
        ("says-it-is-endless.xls", Some(Reason::TooLong)),
        ("unpacks-without-end.xlsx", Some(Reason::UnpacksTooLarge)),
    ];
    let bombs = folder("bombs");
    assert_eq!(bombs.len(), wanted.len());
    for ((name, bytes), (of, reason)) in bombs.iter().zip(wanted) {
        assert_eq!(name, of);
        let began = Instant::now();
        let refused = read(bytes, &[]).err().map(|refusal| refusal.reason);
        assert_eq!(refused, reason, "{name}");
        assert!(began.elapsed() < PATIENCE, "{name}");
    }
    if let Some(memory) = memory_kib() {
        assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
    }
}

/// A change of a file: bytes replaced, a piece cut out, the end cut off, a piece doubled.
fn changed(bytes: &[u8], changes: &[(u8, u32, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (kind, at, value, length) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = usize::try_from(*at).unwrap_or(0) % bytes.len();
        let end = at.saturating_add(usize::from(*length)).min(bytes.len());
        match kind % 5 {
            0 | 1 => bytes[at] = *value,
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            _ => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_was_damaged_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<(u8, u32, u8, u8)>(), 1..6),
    ) {
        let (_, bytes) = which.get(examples());
        let _ = read(&changed(bytes, &changes), &[]);
    }

    #[test]
    fn any_bytes_behind_any_beginning_are_read_or_refused(
        start in prop::sample::select(vec![
            &b""[..], b"PK\x03\x04", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"\xFF\xFE", b"\xEF\xBB\xBF", b"<rdml>",
            b"Experiment: x  Selected Filter: y\n", b"[Results]\nWell\tCT\n", b"<_x0030_><Row>",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = read(&[start, &bytes].concat(), &[]);
    }

    /// What is read of a file that was cut is never more than the file had.
    #[test]
    fn a_cut_file_never_says_more_than_the_whole_one(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let (name, bytes) = which.get(examples());
        let Ok(whole) = read(bytes, &[]) else { return Ok(()); };
        let Ok(cut) = read(&bytes[..at.index(bytes.len())], &[]) else { return Ok(()); };
        let but_last = cut.reactions.len().saturating_sub(1);
        for (of_cut, of_whole) in cut.reactions.iter().take(but_last).zip(&whole.reactions) {
            prop_assert_eq!(
                (&of_cut.well, &of_cut.target, of_cut.reading.ct),
                (&of_whole.well, &of_whole.target, of_whole.reading.ct),
                "{}", name
            );
        }
        prop_assert!(cut.reactions.len() <= whole.reactions.len(), "{}", name);
    }
}
