//! The store behind a URL: a folder (`file:///var/lib/tenfold/snapshots`) or, with the feature `s3`, a bucket of
//! anything that speaks S3 (`s3://bucket/prefix`).

use super::store::{Entry, Store, StoreError, too_large};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::sync::Arc;

/// See the module.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Prefix of the URL.
    below: Path,
    /// Drives the store's requests for whoever calls.
    runtime: Driver,
}

/// A runtime that may be dropped anywhere, also among tasks.
struct Driver(Option<tokio::runtime::Runtime>);

impl Driver {
    fn new() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Ok(Self(Some(builder.enable_all().build()?)))
    }

    fn run<T>(&self, ask: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match &self.0 {
            Some(runtime) => runtime.block_on(ask),
            None => Err(StoreError("it is closed".into())),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}

impl Objects {
    /// Opens a store by its URL. A folder is made if it is not there.
    ///
    /// # Errors
    /// It is no URL of a store that this build knows, or the folder cannot be made.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let (store, below) = if let Some(folder) = url.strip_prefix("file://") {
            (local(folder)?, Path::default())
        } else if url.starts_with("s3://") {
            s3(url)?
        } else {
            return Err(StoreError(format!(
                "{url:?} is neither file:///FOLDER nor s3://BUCKET/PREFIX"
            )));
        };
        let runtime = Driver::new().map_err(failed)?;
        Ok(Self {
            store,
            below,
            runtime,
        })
    }

    fn path(&self, name: &str) -> Path {
        let below = self.below.as_ref();
        Path::from(format!("{below}/{name}"))
    }
}

fn local(folder: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
    if !folder.starts_with('/') {
        return Err(StoreError(format!(
            "file://{folder} names no folder from the root on, such as file:///var/lib/tenfold/snapshots"
        )));
    }
    std::fs::create_dir_all(folder).map_err(|error| failed(format!("{folder}: {error}")))?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder)
        .map_err(failed)?
        // A manifest must not outlive its chunks when the power fails.
        .with_fsync(true)
        .with_automatic_cleanup(true);
    Ok(Arc::new(store))
}

/// Keys, region and endpoint come from the environment, as they do for every program that speaks S3.
#[cfg(feature = "s3")]
fn s3(url: &str) -> Result<(Arc<dyn ObjectStore>, Path), StoreError> {
    let store = object_store::aws::AmazonS3Builder::from_env()
        .with_url(url)
        .build()
        .map_err(failed)?;
    let after = url.trim_start_matches("s3://");
    let below = after.split_once('/').map_or("", |(_, prefix)| prefix);
    Ok((Arc::new(store), Path::from(below)))
}

#[cfg(not(feature = "s3"))]
fn s3(url: &str) -> Result<(Arc<dyn ObjectStore>, Path), StoreError> {
    Err(StoreError(format!(
        "{url:?}: this build speaks no S3; build it with the feature `s3`, or use a folder that machines share"
    )))
}

impl Store for Objects {
    fn put(&self, name: &str, content: Bytes) -> Result<(), StoreError> {
        let path = self.path(name);
        self.runtime.run(async {
            let put = self.store.put(&path, content.into()).await;
            put.map(drop).map_err(failed)
        })
    }

    fn get(&self, name: &str, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(name);
        self.runtime.run(async {
            match self.store.get(&path).await {
                Ok(found) if found.meta.size > bytes_max => Err(too_large(name, bytes_max)),
                Ok(found) => found.bytes().await.map(Some).map_err(failed),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let path = self.path(prefix);
        let listed = self.runtime.run(async {
            let listed = self.store.list(Some(&path));
            let listed = listed.map_ok(|meta| (meta.location, meta.size));
            listed.try_collect::<Vec<_>>().await.map_err(failed)
        })?;
        let mut entries: Vec<Entry> = listed
            .into_iter()
            .filter_map(|(location, bytes)| {
                let name = location.as_ref().strip_prefix(self.below.as_ref())?;
                let name = name.trim_start_matches('/').to_owned();
                Some(Entry { name, bytes })
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        self.runtime.run(async {
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed(error)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_objects_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", folder.path().join("snapshots").display());
        let store = Objects::open(&url).unwrap();
        store.put("a/1/b", "bb".into()).unwrap();
        store.put("a/1/a", "a".into()).unwrap();
        store.put("a/10/a", "another lane".into()).unwrap();
        let names = |prefix| {
            let entries = store.list(prefix).unwrap();
            let of = |e: Entry| (e.name, e.bytes);
            entries.into_iter().map(of).collect::<Vec<_>>()
        };
        let both = [("a/1/a".to_owned(), 1), ("a/1/b".to_owned(), 2)];
        assert_eq!(names("a/1/"), both);
        assert_eq!(names("a/2/"), []);
        assert_eq!(store.get("a/1/b", 2).unwrap(), Some("bb".into()));
        assert!(store.get("a/1/b", 1).is_err(), "larger than it may be");
        assert_eq!(store.get("a/1/c", 2).unwrap(), None);
        store.delete("a/1/b").unwrap();
        store.delete("a/1/b").unwrap();
        let again = Objects::open(&url).unwrap();
        assert_eq!(again.get("a/1/b", 2).unwrap(), None);
        assert_eq!(again.get("a/1/a", 1).unwrap(), Some("a".into()));
    }

    #[test]
    fn what_is_no_url_of_a_store_is_refused() {
        for url in ["", "data", "file://data", "ftp://a/b"] {
            assert!(Objects::open(url).is_err(), "{url}");
        }
    }
}
