//! Files of runs, kept for good under the hash of their content: `ab/abcd...`. Bounded; a file is whole on
//! the disk before anything is decided from it.

use crate::readers::{FILE_BYTES_MAX, content_hash};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a count of the folder holds: others may use it too.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// Why a file is not kept, or not found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The bound is reached.
    #[error("the folder of runs holds {held} bytes, and may hold {most}")]
    Full {
        /// Bytes held.
        held: u64,
        /// Most bytes.
        most: u64,
    },
    /// Not a hash, or none of it is here.
    #[error("no file of hash {0:?} is kept here")]
    Unknown(String),
    /// What is kept is not what its name says.
    #[error("the file of hash {0:?} is damaged: its content has another hash")]
    Damaged(String),
    /// The disk.
    #[error("{0}")]
    Disk(#[from] std::io::Error),
}

/// The folder.
#[derive(Debug)]
pub struct RunFiles {
    dir: PathBuf,
    most: u64,
    /// Bytes held, and when they were counted.
    held: Mutex<Option<(u64, Instant)>>,
}

impl RunFiles {
    /// A folder that is made when the first file comes.
    #[must_use]
    pub fn new(dir: &Path, mib_max: u32) -> Self {
        Self {
            dir: dir.to_owned(),
            most: u64::from(mib_max) << 20,
            held: Mutex::new(None),
        }
    }

    /// Keeps a file; one that is kept already costs nothing. Blocks.
    ///
    /// # Errors
    /// The folder is full, or the disk fails.
    pub fn keep(&self, hash: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.path(hash)?;
        // One at a time: the count stays right.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if fs::metadata(&path).is_ok_and(|found| found.len() == length) {
            return Ok(());
        }
        let (now, counted) = match *held {
            Some((now, counted)) if counted.elapsed() < COUNTED_FOR => (now, counted),
            _ => *held.insert((count(&self.dir)?, Instant::now())),
        };
        let after = now.saturating_add(length);
        if after > self.most {
            return Err(StoreError::Full {
                held: now,
                most: self.most,
            });
        }
        let folder = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder)?;
        let half = path.with_extension("half");
        let mut file = File::create(&half)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        File::open(folder)?.sync_all()?;
        *held = Some((after, counted));
        Ok(())
    }

    /// A file that was kept. Blocks.
    ///
    /// # Errors
    /// There is none, or it is not what it was.
    pub fn get(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        let unknown = || StoreError::Unknown(hash.chars().take(64).collect());
        let file = File::open(self.path(hash)?).map_err(|_| unknown())?;
        let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut content = Vec::new();
        file.take(limit).read_to_end(&mut content)?;
        if content_hash(&content) == hash {
            Ok(content)
        } else {
            Err(StoreError::Damaged(hash.to_owned()))
        }
    }

    fn path(&self, hash: &str) -> Result<PathBuf, StoreError> {
        let plain = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let start = hash.get(..2).filter(|_| plain);
        start
            .map(|start| self.dir.join(start).join(hash))
            .ok_or_else(|| StoreError::Unknown(hash.chars().take(64).collect()))
    }
}

/// Bytes of all files in the folder.
fn count(dir: &Path) -> Result<u64, std::io::Error> {
    let mut sum = 0_u64;
    let folders = match fs::read_dir(dir) {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for folder in folders {
        let folder = folder?;
        if !folder.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(folder.path())? {
            sum = sum.saturating_add(file?.metadata()?.len());
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once_and_given_back_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = RunFiles::new(&folder.path().join("runs"), 1);
        let hash = content_hash(b"a run");
        files.keep(&hash, b"a run").expect("kept");
        files.keep(&hash, b"a run").expect("kept again");
        assert_eq!(files.get(&hash).expect("there"), b"a run");
        let again = RunFiles::new(&folder.path().join("runs"), 1);
        assert_eq!(again.get(&hash).expect("there after a start"), b"a run");
    }

    #[test]
    fn a_full_folder_takes_no_more_and_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = RunFiles::new(folder.path(), 1);
        let large = vec![7_u8; 700 * 1024];
        files.keep(&content_hash(&large), &large).expect("kept");
        let other = vec![8_u8; 700 * 1024];
        let full = RunFiles::new(folder.path(), 1)
            .keep(&content_hash(&other), &other)
            .expect_err("full");
        assert!(matches!(full, StoreError::Full { .. }), "{full}");
        files
            .keep(&content_hash(&large), &large)
            .expect("kept already");
    }

    #[test]
    fn a_name_that_is_no_hash_reaches_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = RunFiles::new(folder.path(), 1);
        for name in ["", "../../etc/passwd", "zz", &"g".repeat(64)] {
            assert!(matches!(files.get(name), Err(StoreError::Unknown(_))));
            assert!(files.keep(name, b"x").is_err());
        }
    }

    #[test]
    fn a_damaged_file_is_not_given_out_as_what_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = RunFiles::new(folder.path(), 1);
        let hash = content_hash(b"a run");
        files.keep(&hash, b"a run").expect("kept");
        fs::write(folder.path().join(&hash[..2]).join(&hash), b"A run").expect("damaged");
        assert!(matches!(files.get(&hash), Err(StoreError::Damaged(_))));
    }
}
