//! What lies in the watched folder, which of it is ripe, and where it goes.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Most files that are looked at in one round; the rest comes in the next.
const FILES_MAX: usize = 1_000;

/// Most names that are tried for a file whose name is taken.
const NAMES_MAX: u32 = 10_000;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// The lab whose folder it is in.
    pub lab: String,
    /// Its length.
    pub length: u64,
    /// When it changed last, in milliseconds since 1970.
    pub changed_ms: i64,
}

/// Where a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It was taken.
    Done,
    /// It was not.
    Rejected,
}

impl Place {
    const fn folder(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }
}

/// Leftovers of desktops, and files that are on their way.
fn is_leftover(name: &str) -> bool {
    let lower = name.to_lowercase();
    let end = Path::new(&lower).extension().and_then(|end| end.to_str());
    lower.starts_with('.')
        || lower.starts_with("~$")
        || lower == "thumbs.db"
        || lower == "desktop.ini"
        || matches!(end, Some("tmp" | "part" | "crdownload" | "reason" | "lock"))
}

/// The files of all labs: `WATCH/LAB/FILE`, sorted by their time.
pub(super) fn scan(watch: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for lab in fs::read_dir(watch)? {
        let lab = lab?;
        let name = lab.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !lab.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(lab.path())? {
            let file = file?;
            // A link may lead anywhere.
            if !file.file_type()?.is_file() || is_leftover(&file.file_name().to_string_lossy()) {
                continue;
            }
            let Ok(about) = file.metadata() else {
                continue;
            };
            let changed = about.modified().unwrap_or(UNIX_EPOCH);
            let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
            found.push(Found {
                path: file.path(),
                lab: name.clone(),
                length: about.len(),
                changed_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            });
        }
    }
    found.sort_by(|a, b| (a.changed_ms, &a.path).cmp(&(b.changed_ms, &b.path)));
    found.truncate(FILES_MAX);
    Ok(found)
}

/// What was seen in the rounds before.
#[derive(Debug)]
pub(super) struct Seen {
    quiet: Duration,
    files: HashMap<PathBuf, (Found, Instant)>,
}

impl Seen {
    pub fn new(quiet: Duration) -> Self {
        Self {
            quiet,
            files: HashMap::new(),
        }
    }

    /// Files that did not change for long enough.
    pub fn ripe(&mut self, found: Vec<Found>) -> Vec<Found> {
        self.ripe_at(found, Instant::now())
    }

    fn ripe_at(&mut self, found: Vec<Found>, now: Instant) -> Vec<Found> {
        let mut files = HashMap::new();
        let mut ripe = Vec::new();
        for file in found {
            let since = self
                .files
                .get(&file.path)
                .filter(|(before, _)| *before == file)
                .map_or(now, |(_, since)| *since);
            if now.saturating_duration_since(since) >= self.quiet {
                ripe.push(file.clone());
            }
            files.insert(file.path.clone(), (file, since));
        }
        // What is gone is forgotten.
        self.files = files;
        ripe
    }

    /// Looks at a file as if it were new.
    pub fn forget(&mut self, path: &Path) {
        self.files.remove(path);
    }
}

/// Moves a file to `done/` or `rejected/` beside it, under its own name or the next that is free; the reason
/// first, so that no rejected file is ever without one.
pub(super) fn put_away(path: &Path, place: Place, reason: Option<&str>) -> io::Result<PathBuf> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let folder = parent.join(place.folder());
    fs::create_dir_all(&folder)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    for number in 0..NAMES_MAX {
        let target = folder.join(if number == 0 {
            name.clone()
        } else {
            format!("{name}.{number}")
        });
        let reason_path = PathBuf::from(format!("{}.reason", target.display()));
        if target.exists() || reason_path.exists() && reason.is_none() {
            continue;
        }
        if let Some(reason) = reason {
            let mut file = fs::File::create(&reason_path)?;
            file.write_all(reason.as_bytes())?;
            file.sync_all()?;
        }
        fs::rename(path, &target)?;
        return Ok(target);
    }
    Err(io::Error::other("too many files of this name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("lab-1")).expect("made");
        folder
    }

    fn names(found: &[Found]) -> Vec<String> {
        found
            .iter()
            .map(|file| {
                file.path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    #[test]
    fn leftovers_links_and_what_was_put_away_are_not_looked_at() {
        let folder = folder();
        let lab = folder.path().join("lab-1");
        for name in [
            "run.txt",
            "._run.txt",
            "~$run.xlsx",
            ".DS_Store",
            "Thumbs.db",
            "x.part",
            "y.reason",
        ] {
            fs::write(lab.join(name), b"x").expect("written");
        }
        fs::write(folder.path().join("no lab.txt"), b"x").expect("written");
        std::os::unix::fs::symlink("/etc/hostname", lab.join("link.txt")).expect("linked");
        put_away(&lab.join("run.txt"), Place::Done, None).expect("moved");
        fs::write(lab.join("other.txt"), b"x").expect("written");
        let found = scan(folder.path()).expect("scanned");
        assert_eq!(names(&found), ["other.txt"]);
        assert_eq!(found[0].lab, "lab-1");
    }

    #[test]
    fn a_file_is_ripe_when_it_did_not_grow_for_long_enough() {
        let folder = folder();
        let path = folder.path().join("lab-1/run.txt");
        let quiet = Duration::from_secs(5);
        let mut seen = Seen::new(quiet);
        let start = Instant::now();
        let mut look = |bytes: &[u8], after: u64| {
            fs::write(&path, bytes).expect("written");
            let mut found = scan(folder.path()).expect("scanned");
            // The time of the file system is not what is tested.
            found[0].changed_ms = 0;
            !seen
                .ripe_at(found, start + Duration::from_secs(after))
                .is_empty()
        };
        assert!(!look(b"ha", 0));
        assert!(!look(b"half", 4));
        assert!(!look(b"half", 8));
        assert!(look(b"half", 9));
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number_and_a_reason_beside_it() {
        let folder = folder();
        let path = folder.path().join("lab-1/run.txt");
        for (content, wanted) in [("first", "run.txt"), ("second", "run.txt.1")] {
            fs::write(&path, content).expect("written");
            let put = put_away(&path, Place::Rejected, Some("bad")).expect("moved");
            assert_eq!(put.file_name().unwrap_or_default(), wanted);
            assert_eq!(fs::read_to_string(&put).expect("read"), content);
            let reason = format!("{}.reason", put.display());
            assert_eq!(fs::read_to_string(reason).expect("read"), "bad");
        }
        assert!(!path.exists());
    }
}
