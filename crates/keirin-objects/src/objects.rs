//! The storage itself: one type over a folder or S3.

use std::fmt;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};

use crate::error::ObjectError;
use crate::folder;
use crate::key::ObjectKey;
use crate::owner::is_owner;
use crate::upload::{Stored, Upload};

/// A folder takes small parts: they only bound memory.
const FOLDER_PART_BYTES: usize = 1024 * 1024;

/// Where objects are kept. Cloning is cheap and all clones are the same storage.
#[derive(Clone)]
pub struct Objects {
    backend: Arc<dyn ObjectStore>,
    prefix: Option<ObjectKey>,
    part_bytes: usize,
    folder: Option<Arc<PathBuf>>,
}

/// An object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name.
    pub key: ObjectKey,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, by the storage's clock.
    pub modified: Timestamp,
}

/// An object being read.
pub struct ObjectStream {
    /// The whole object, even when only a range is read.
    pub info: ObjectInfo,
    /// The part of it that `chunks` yields.
    pub range: Range<u64>,
    /// Its bytes.
    pub chunks: BoxStream<'static, Result<Bytes, ObjectError>>,
}

/// How much lies under a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Number of objects.
    pub objects: u64,
    /// Sum of their sizes.
    pub bytes: u64,
}

impl Objects {
    /// Objects in a folder, which is made when it is missing.
    ///
    /// # Errors
    /// [`ObjectError::Settings`] when the folder cannot be made or read.
    pub fn folder(path: impl AsRef<FilePath>) -> Result<Self, ObjectError> {
        let (backend, root) = folder::open(path.as_ref())?;
        Ok(Self {
            backend: Arc::new(backend),
            prefix: None,
            part_bytes: FOLDER_PART_BYTES,
            folder: Some(Arc::new(root)),
        })
    }

    pub(crate) fn remote(
        backend: Arc<dyn ObjectStore>,
        prefix: Option<ObjectKey>,
        part_bytes: usize,
    ) -> Self {
        Self {
            backend,
            prefix,
            part_bytes,
            folder: None,
        }
    }

    /// Writes an object whole, replacing one of the same key. It is durable when this returns.
    ///
    /// # Errors
    /// [`ObjectError::Full`] among others; on any error the key holds what it held before.
    pub async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        let put = self
            .backend
            .put(&self.path(key), PutPayload::from_bytes(bytes))
            .await;
        put.map(drop).map_err(|error| ObjectError::on_write(key, error))
    }

    /// Writes an object from a stream of at most `limit_bytes`, with bounded memory. It is durable when this returns; dropping
    /// the future before leaves no object.
    ///
    /// # Errors
    /// [`ObjectError::TooLarge`], [`ObjectError::Interrupted`] when the stream fails, [`ObjectError::Full`] among others; on any
    /// error the key holds what it held before.
    pub async fn put_stream<S, E>(
        &self,
        key: &ObjectKey,
        stream: S,
        limit_bytes: u64,
    ) -> Result<Stored, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let upload = Upload {
            backend: self.backend.as_ref(),
            key,
            path: self.path(key),
            part_bytes: self.part_bytes,
            limit_bytes,
        };
        upload.run(stream).await
    }

    /// Reads an object whole into memory; for what may be large there is [`Self::get_stream`].
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] among others.
    pub async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let found = self
            .backend
            .get(&self.path(key))
            .await
            .map_err(|error| on_read(key, error))?;
        let size = found.meta.size;
        let bytes = found.bytes().await.map_err(|error| on_read(key, error))?;
        whole(key, bytes, size)
    }

    /// Reads a range of bytes; what lies beyond the object's end is left out.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::OutsideObject`] among others.
    pub async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let found = self.get_stream_range(key, range).await?;
        let expected = found.range.end - found.range.start;
        let bytes = found.chunks.try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        });
        whole(key, bytes.await?.into(), expected)
    }

    /// Reads an object in chunks.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] among others.
    pub async fn get_stream(&self, key: &ObjectKey) -> Result<ObjectStream, ObjectError> {
        self.open(key, GetOptions::default()).await
    }

    /// Reads a range of bytes in chunks; what lies beyond the object's end is left out.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::OutsideObject`] among others.
    pub async fn get_stream_range(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<ObjectStream, ObjectError> {
        if range.start < range.end {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                ..GetOptions::default()
            };
            match self.open(key, options).await {
                // A store answers a range that begins at or after the end as an error of its own kind; the size tells which.
                Err(ObjectError::Unavailable(cause)) => match self.info(key).await?.bytes {
                    bytes if range.start < bytes => return Err(ObjectError::Unavailable(cause)),
                    _ => {}
                },
                answer => return answer,
            }
        }
        let info = self.info(key).await?;
        if range.start > info.bytes {
            return Err(ObjectError::OutsideObject {
                key: key.clone(),
                start: range.start,
                bytes: info.bytes,
            });
        }
        Ok(ObjectStream {
            info,
            range: range.start..range.start,
            chunks: futures::stream::empty().boxed(),
        })
    }

    async fn open(&self, key: &ObjectKey, options: GetOptions) -> Result<ObjectStream, ObjectError> {
        let found = self
            .backend
            .get_opts(&self.path(key), options)
            .await
            .map_err(|error| on_read(key, error))?;
        let info = ObjectInfo {
            key: key.clone(),
            bytes: found.meta.size,
            modified: timestamp(&found.meta)?,
        };
        let range = found.range.clone();
        let chunks = found.into_stream();
        let key = key.clone();
        let chunks = chunks.map(move |chunk| match chunk {
            // The library would go on yielding nothing for ever.
            Ok(chunk) if chunk.is_empty() => Err(ObjectError::Truncated { key: key.clone() }),
            Ok(chunk) => Ok(chunk),
            Err(error) => Err(on_read(&key, error)),
        });
        Ok(ObjectStream {
            info,
            range,
            chunks: chunks.boxed(),
        })
    }

    /// Size and age of an object.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] among others.
    pub async fn info(&self, key: &ObjectKey) -> Result<ObjectInfo, ObjectError> {
        let meta = self
            .backend
            .head(&self.path(key))
            .await
            .map_err(|error| on_read(key, error))?;
        Ok(ObjectInfo {
            key: key.clone(),
            bytes: meta.size,
            modified: timestamp(&meta)?,
        })
    }

    /// Removes an object. Removing what is not there is no error: the wish is fulfilled.
    ///
    /// # Errors
    /// [`ObjectError::Denied`] or [`ObjectError::Unavailable`].
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        match self
            .backend
            .delete(&self.path(key))
            .await
            .map_err(|error| on_read(key, error))
        {
            Err(ObjectError::NotFound { .. }) => Ok(()),
            answer => answer,
        }
    }

    /// Writes, reads and removes a small object under `key`, to find out whether the storage can be used at all.
    ///
    /// # Errors
    /// Says what is wrong with the storage.
    pub async fn check(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let probe = Bytes::from_static(b"Keirin checks its object storage");
        self.put(key, probe.clone()).await?;
        if self.get(key).await? != probe {
            return Err(ObjectError::Truncated { key: key.clone() });
        }
        self.delete(key).await
    }

    /// All objects below `prefix` (all there are for `None`), in no order. Objects being written are not among them, and
    /// neither is the one that says whose they are.
    pub fn list(&self, prefix: Option<&ObjectKey>) -> BoxStream<'static, Result<ObjectInfo, ObjectError>> {
        let below = match (prefix, &self.prefix) {
            (Some(prefix), _) => Some(self.path(prefix)),
            (None, Some(own)) => Some(Path::from(own.as_str())),
            (None, None) => None,
        };
        let own = self.prefix.clone();
        let entries = self.backend.list(below.as_ref());
        // In a folder, others may go while they are listed.
        let is_folder = self.folder.is_some();
        let is_there = move |entry: &Result<ObjectMeta, object_store::Error>| {
            let vanished = is_folder && entry.as_ref().is_err_and(ObjectError::is_vanished);
            std::future::ready(!vanished)
        };
        let entries = entries.filter(is_there).map_err(ObjectError::general);
        entries
            .try_filter_map(move |meta| std::future::ready(info_of(own.as_ref(), &meta)))
            .boxed()
    }

    /// Those of [`Self::list`] that were last written before `before`: an object that no row names by then is an orphan. In a
    /// folder what lies behind a symbolic link is left out, which may be somebody else's.
    pub fn list_older(
        &self,
        prefix: Option<&ObjectKey>,
        before: Timestamp,
    ) -> BoxStream<'static, Result<ObjectInfo, ObjectError>> {
        let root = self.folder.clone();
        let is_own = move |key: &ObjectKey| root.as_ref().is_none_or(|root| !folder::is_linked(root, key));
        let is_older =
            move |info: &ObjectInfo| std::future::ready(info.modified < before && is_own(&info.key));
        self.list(prefix).try_filter(is_older).boxed()
    }

    /// Number and size of all objects below `prefix`.
    ///
    /// # Errors
    /// [`ObjectError::Denied`] or [`ObjectError::Unavailable`].
    pub async fn total(&self, prefix: Option<&ObjectKey>) -> Result<Total, ObjectError> {
        self.list(prefix)
            .try_fold(Total::default(), |total, info| async move {
                Ok(Total {
                    objects: total.objects + 1,
                    bytes: total.bytes + info.bytes,
                })
            })
            .await
    }

    /// Removes what writers that died before `before` have left, and says how many. Leave a day's room for those still writing.
    /// Only a folder needs it: S3 drops unfinished uploads by a lifecycle rule of the bucket.
    ///
    /// # Errors
    /// [`ObjectError::Denied`] or [`ObjectError::Unavailable`].
    pub async fn sweep_unfinished(&self, before: Timestamp) -> Result<u64, ObjectError> {
        let Some(root) = self.folder.clone() else {
            return Ok(0);
        };
        let swept = tokio::task::spawn_blocking(move || folder::sweep(&root, before)).await;
        swept.unwrap_or_else(|error| Err(ObjectError::Unavailable(Box::new(error))))
    }

    fn path(&self, key: &ObjectKey) -> Path {
        match &self.prefix {
            None => Path::from(key.as_str()),
            Some(prefix) => Path::from(format!("{prefix}/{key}")),
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({})", self.backend)
    }
}

/// Below a file there is nothing, and a folder is no object.
fn on_read(key: &ObjectKey, error: object_store::Error) -> ObjectError {
    match ObjectError::on(key, error) {
        ObjectError::Conflict { key } => ObjectError::NotFound { key },
        other => other,
    }
}

fn whole(key: &ObjectKey, bytes: Bytes, expected: u64) -> Result<Bytes, ObjectError> {
    if bytes.len() as u64 == expected {
        Ok(bytes)
    } else {
        Err(ObjectError::Truncated { key: key.clone() })
    }
}

fn timestamp(meta: &ObjectMeta) -> Result<Timestamp, ObjectError> {
    Timestamp::from_millisecond(meta.last_modified.timestamp_millis())
        .map_err(|error| ObjectError::Unavailable(Box::new(error)))
}

fn info_of(own: Option<&ObjectKey>, meta: &ObjectMeta) -> Result<Option<ObjectInfo>, ObjectError> {
    let location = meta.location.as_ref();
    let text = match own {
        None => Some(location),
        Some(prefix) => location
            .strip_prefix(prefix.as_str())
            .and_then(|rest| rest.strip_prefix('/')),
    };
    match text.map(ObjectKey::parse) {
        Some(Ok(key)) if is_owner(&key) => Ok(None),
        Some(Ok(key)) => Ok(Some(ObjectInfo {
            key,
            bytes: meta.size,
            modified: timestamp(meta)?,
        })),
        _ => {
            tracing::warn!(
                name = location,
                "something in the object storage was not put there by this program; it is left alone"
            );
            Ok(None)
        }
    }
}
