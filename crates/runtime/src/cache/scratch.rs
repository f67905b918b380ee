//! Room for bytes that are needed until they are dropped, and that nobody finds after the process.

use bytes::Bytes;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// See the module.
pub trait Scratch: Send + Sync {
    /// Adds bytes at the end.
    ///
    /// # Errors
    /// There is no room.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// So many bytes from there on.
    ///
    /// # Errors
    /// They cannot be read, or there are fewer.
    fn read(&self, at: u64, bytes: usize) -> io::Result<Bytes>;
}

/// In a file without a name: the system takes it back when the process is gone, however it went.
pub struct FileScratch(Mutex<File>);

impl FileScratch {
    /// An empty one, on the disk of this folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn within(folder: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(tempfile::tempfile_in(folder)?)))
    }
}

impl Scratch for FileScratch {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.0.get_mut();
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)
    }

    fn read(&self, at: u64, bytes: usize) -> io::Result<Bytes> {
        let mut read = vec![0; bytes];
        let mut file = self.0.lock();
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut read)?;
        Ok(read.into())
    }
}

/// In memory, for caches that are in memory themselves.
#[derive(Debug, Default)]
pub struct MemoryScratch(Vec<u8>);

impl Scratch for MemoryScratch {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self, at: u64, bytes: usize) -> io::Result<Bytes> {
        let from = usize::try_from(at).ok();
        let range = from.and_then(|from| self.0.get(from..from.checked_add(bytes)?));
        range
            .map(Bytes::copy_from_slice)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
