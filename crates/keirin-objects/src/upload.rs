//! Writing a stream of unknown length: counted, hashed, limited, and whole or not at all.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use sha2::{Digest, Sha256};

use crate::error::ObjectError;
use crate::key::ObjectKey;

/// What a stream turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Size of the object.
    pub bytes: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
}

/// Hashing is done in slices of this size, so that one huge chunk does not hold up other tasks.
const HASH_SLICE: usize = 256 * 1024;

pub(crate) struct Upload<'a> {
    pub(crate) backend: &'a dyn ObjectStore,
    pub(crate) key: &'a ObjectKey,
    pub(crate) path: Path,
    pub(crate) part_bytes: usize,
    pub(crate) limit_bytes: u64,
}

impl Upload<'_> {
    /// Reads the stream to its end. Anything but a whole stream leaves no object.
    pub(crate) async fn run<S, E>(self, stream: S) -> Result<Stored, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut parts = None;
        let stored = self.copy(stream, &mut parts).await;
        if let (Err(_), Some(parts)) = (&stored, parts.as_mut())
            && let Err(error) = parts.abort().await
        {
            tracing::warn!(key = %self.key, %error, "an upload that failed could not be removed; it will be swept");
        }
        stored
    }

    async fn copy<S, E>(
        &self,
        stream: S,
        parts: &mut Option<Box<dyn MultipartUpload>>,
    ) -> Result<Stored, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut stream = std::pin::pin!(stream);
        let mut hash = Sha256::new();
        let mut bytes: u64 = 0;
        let mut part = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| ObjectError::Interrupted {
                key: self.key.clone(),
                source: error.into(),
            })?;
            bytes = bytes.saturating_add(chunk.len() as u64);
            if bytes > self.limit_bytes {
                return Err(ObjectError::TooLarge {
                    limit_bytes: self.limit_bytes,
                });
            }
            for slice in chunk.chunks(HASH_SLICE) {
                hash.update(slice);
                part.extend_from_slice(slice);
                if part.len() >= self.part_bytes {
                    self.put_part(parts, part.split().freeze()).await?;
                } else if chunk.len() > HASH_SLICE {
                    tokio::task::yield_now().await;
                }
            }
        }
        self.finish(parts, part.freeze()).await?;
        Ok(Stored {
            bytes,
            sha256: hash.finalize().into(),
        })
    }

    async fn put_part(
        &self,
        parts: &mut Option<Box<dyn MultipartUpload>>,
        part: Bytes,
    ) -> Result<(), ObjectError> {
        let upload = match parts {
            Some(upload) => upload,
            None => parts.insert(
                self.backend
                    .put_multipart(&self.path)
                    .await
                    .map_err(|error| ObjectError::on_write(self.key, error))?,
            ),
        };
        upload
            .put_part(PutPayload::from_bytes(part))
            .await
            .map_err(|error| ObjectError::on_write(self.key, error))
    }

    /// A stream that fitted one part is a plain write.
    async fn finish(
        &self,
        parts: &mut Option<Box<dyn MultipartUpload>>,
        rest: Bytes,
    ) -> Result<(), ObjectError> {
        let Some(upload) = parts else {
            let put = self.backend.put(&self.path, PutPayload::from_bytes(rest)).await;
            return put
                .map(drop)
                .map_err(|error| ObjectError::on_write(self.key, error));
        };
        if !rest.is_empty() {
            upload
                .put_part(PutPayload::from_bytes(rest))
                .await
                .map_err(|error| ObjectError::on_write(self.key, error))?;
        }
        upload
            .complete()
            .await
            .map(drop)
            .map_err(|error| ObjectError::on_write(self.key, error))
    }
}
