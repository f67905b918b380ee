//! The folders that stores live in: the first has the name that was asked for, another one made in its place a number.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of the store with a number: the first has the name that was asked for.
pub fn folder(path: &Path, number: u32) -> PathBuf {
    match number {
        0 => path.to_owned(),
        number => path.with_extension(number.to_string()),
    }
}

/// Numbers of the stores that are there.
pub fn numbers(path: &Path) -> Vec<u32> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let entry = PathBuf::from(entry.file_name());
            if entry == *name {
                return Some(0);
            }
            let number = entry.extension()?.to_str()?.parse().ok()?;
            (entry.file_stem() == Some(name)).then_some(number)
        })
        .collect()
}

/// Gives back what the files below a folder hold, as far as that is possible.
pub fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            empty(&path);
        } else if let Ok(file) = std::fs::OpenOptions::new().write(true).open(&path) {
            // What cannot be given back now is given back at the next start.
            let _ = file.set_len(0);
        }
    }
}

pub fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
