//! The stream of a backup: a line that says what it is, then records of a letter, a length of four bytes (the highest
//! first) and a body. `M` the manifest, `T` the head of a table, `D` rows of that table, `E` the end. Rows are text as
//! `COPY` writes it, in pieces that are zstd frames with a checksum each; all else is JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::BackupError;

const MAGIC: &[u8; 16] = b"keirin backup 1\n";

/// How much text goes into one piece, at most by one message of the database more.
pub(super) const PIECE: usize = 1024 * 1024;

/// A body that says it is longer than this is damaged.
const LONGEST: usize = 64 * 1024 * 1024;

/// More than this does not come out of one piece.
const LONGEST_PIECE: usize = 1024 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Table,
    Data,
    End,
}

impl Kind {
    const ALL: [(Self, u8); 4] = [
        (Self::Manifest, b'M'),
        (Self::Table, b'T'),
        (Self::Data, b'D'),
        (Self::End, b'E'),
    ];

    fn letter(self) -> u8 {
        Self::ALL
            .iter()
            .find_map(|(kind, letter)| (*kind == self).then_some(*letter))
            .expect("invariant: every kind has a letter")
    }
}

pub(super) struct Writer<W>(W);

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) async fn begin(mut writer: W) -> Result<Self, BackupError> {
        writer.write_all(MAGIC).await?;
        Ok(Self(writer))
    }

    pub(super) async fn json(&mut self, kind: Kind, body: &impl Serialize) -> Result<(), BackupError> {
        let body = serde_json::to_vec(body).map_err(std::io::Error::from)?;
        self.record(kind, &body).await
    }

    pub(super) async fn data(&mut self, text: &[u8]) -> Result<(), BackupError> {
        let mut compressor = zstd::bulk::Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?;
        compressor.include_checksum(true)?;
        let body = compressor.compress(text)?;
        self.record(Kind::Data, &body).await
    }

    async fn record(&mut self, kind: Kind, body: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(body.len())
            .map_err(|_| std::io::Error::other("a row is too large for a backup"))?;
        self.0.write_u8(kind.letter()).await?;
        self.0.write_u32(length).await?;
        self.0.write_all(body).await?;
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<(), BackupError> {
        self.0.flush().await?;
        Ok(())
    }
}

pub(super) struct Reader<R>(R);

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) async fn begin(mut reader: R) -> Result<Self, BackupError> {
        let mut magic = [0; MAGIC.len()];
        match reader.read_exact(&mut magic).await {
            Ok(_) if &magic == MAGIC => Ok(Self(reader)),
            Ok(_) => Err(BackupError::NotABackup),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(BackupError::NotABackup),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn record(&mut self) -> Result<(Kind, Vec<u8>), BackupError> {
        self.read_record().await.map_err(|error| match error {
            BackupError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                BackupError::Damaged("it ends too early".to_owned())
            }
            other => other,
        })
    }

    async fn read_record(&mut self) -> Result<(Kind, Vec<u8>), BackupError> {
        let letter = self.0.read_u8().await?;
        let kind = Kind::ALL.iter().find(|(_, known)| *known == letter);
        let (kind, _) = kind.ok_or_else(|| BackupError::Damaged(format!("a record of kind {letter}")))?;
        let length = self.0.read_u32().await? as usize;
        if length > LONGEST {
            return Err(BackupError::Damaged(format!("a record of {length} bytes")));
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((*kind, body))
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BackupError> {
    serde_json::from_slice(body).map_err(|error| BackupError::Damaged(error.to_string()))
}

pub(super) fn unpack(body: &[u8]) -> Result<Vec<u8>, BackupError> {
    zstd::bulk::decompress(body, piece_size(body)?).map_err(|error| BackupError::Damaged(error.to_string()))
}

/// What the frame says of its own size, within bounds.
fn piece_size(body: &[u8]) -> Result<usize, BackupError> {
    let size = zstd::zstd_safe::get_frame_content_size(body)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= LONGEST_PIECE);
    size.ok_or_else(|| BackupError::Damaged("a piece that does not say how large it is".to_owned()))
}
