//! The file that a backup is: everything of a server, one record after the other.
//!
//! It begins with the line `keirin archive 1`. Records follow, each a letter, a length of four bytes (the highest
//! first) and a body. The end is a SHA-256 of all that stands before it. In order:
//!
//! | letter | body | how often |
//! |---|---|---|
//! | `H` | [`Head`] as JSON | once |
//! | `K` | the master key, 32 bytes | at most once |
//! | `A` | who the server's own agent is, as JSON | at most once |
//! | `O` | [`ObjectHead`] as JSON, before the bytes of an object | for each object |
//! | `B` | bytes of that object | as often as it takes |
//! | `D` | bytes of the database, as `Store::backup` writes them | once or more, after all objects |
//! | `E` | [`End`] as JSON | once |
//!
//! Nothing is compressed here: the database and the logs are already.

use anyhow::{Context as _, bail};
use keirin_model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const MAGIC: &[u8; 17] = b"keirin archive 1\n";

/// How many bytes one record takes at most: more is cut in pieces, and a record that says it has more is damaged.
pub(crate) const PIECE: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Head,
    MasterKey,
    Agent,
    Object,
    ObjectBytes,
    Database,
    End,
}

impl Kind {
    const ALL: [(Self, u8); 7] = [
        (Self::Head, b'H'),
        (Self::MasterKey, b'K'),
        (Self::Agent, b'A'),
        (Self::Object, b'O'),
        (Self::ObjectBytes, b'B'),
        (Self::Database, b'D'),
        (Self::End, b'E'),
    ];

    fn letter(self) -> u8 {
        Self::ALL
            .iter()
            .find_map(|(kind, letter)| (*kind == self).then_some(*letter))
            .expect("invariant: every kind has a letter")
    }
}

/// What the archive is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The version of the program that wrote it.
    pub(crate) keirin: String,
    /// The version of the tables.
    pub(crate) tables: i64,
    pub(crate) taken_at: Timestamp,
}

/// Comes before the bytes of an object.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ObjectHead {
    pub(crate) key: String,
    pub(crate) bytes: u64,
}

/// What the archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) projects: u64,
    pub(crate) flows: u64,
    pub(crate) objects: u64,
    pub(crate) object_bytes: u64,
    pub(crate) rows: u64,
}

/// Writes an archive.
pub(crate) struct Writer<W> {
    to: W,
    digest: Sha256,
    written: u64,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// # Errors
    /// It cannot be written; so for all that follow.
    pub(crate) async fn begin(to: W) -> anyhow::Result<Self> {
        let mut writer = Self {
            to,
            digest: Sha256::new(),
            written: 0,
        };
        writer.write(MAGIC).await?;
        Ok(writer)
    }

    pub(crate) async fn json(&mut self, kind: Kind, body: &impl Serialize) -> anyhow::Result<()> {
        self.bytes(kind, &serde_json::to_vec(body)?).await
    }

    /// Writes bytes, in as many records as they take.
    pub(crate) async fn bytes(&mut self, kind: Kind, body: &[u8]) -> anyhow::Result<()> {
        for piece in body.chunks(PIECE) {
            let length = u32::try_from(piece.len()).expect("invariant: a piece is small");
            self.write(&[kind.letter()]).await?;
            self.write(&length.to_be_bytes()).await?;
            self.write(piece).await?;
        }
        Ok(())
    }

    /// Ends the archive; gives back what it was written to, and how many bytes it has.
    pub(crate) async fn finish(mut self, end: &End) -> anyhow::Result<(W, u64)> {
        self.json(Kind::End, end).await?;
        let digest = self.digest.clone().finalize();
        self.write(&digest).await?;
        self.to.flush().await.context("cannot write the backup")?;
        Ok((self.to, self.written))
    }

    async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.digest.update(bytes);
        self.written += bytes.len() as u64;
        self.to.write_all(bytes).await.context("cannot write the backup")
    }
}

/// Reads an archive.
pub(crate) struct Reader<R> {
    from: R,
    digest: Sha256,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// # Errors
    /// It is no archive, or cannot be read.
    pub(crate) async fn begin(mut from: R) -> anyhow::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        match from.read_exact(&mut magic).await {
            Ok(_) if &magic == MAGIC => {}
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(error).context("cannot read the backup");
            }
            Ok(_) if magic.starts_with(b"keirin archive ") => {
                bail!("a newer version of keirin wrote this backup; restore it with that version")
            }
            _ => bail!("this is not a backup that keirin has made"),
        }
        Ok(Self {
            from,
            digest: Sha256::new_with_prefix(MAGIC),
        })
    }

    /// The next record.
    ///
    /// # Errors
    /// The archive is damaged or cannot be read.
    pub(crate) async fn record(&mut self) -> anyhow::Result<(Kind, Vec<u8>)> {
        let mut head = [0; 5];
        self.read(&mut head).await?;
        let [letter, length @ ..] = head;
        let kind = Kind::ALL.iter().find(|(_, known)| *known == letter);
        let Some((kind, _)) = kind else {
            bail!("the backup is damaged: it has a record of unknown kind {letter}");
        };
        let length = u32::from_be_bytes(length) as usize;
        if length > PIECE {
            bail!("the backup is damaged: it has a record of {length} bytes");
        }
        let mut body = vec![0; length];
        self.read(&mut body).await?;
        Ok((*kind, body))
    }

    /// To be called after the record of kind `End`: compares what was read with what was written.
    ///
    /// # Errors
    /// They differ.
    pub(crate) async fn finish(mut self) -> anyhow::Result<()> {
        let computed = self.digest.clone().finalize();
        let mut written = [0; 32];
        self.read(&mut written).await?;
        if computed.as_slice() != written.as_slice() {
            bail!("the backup is damaged: its bytes are not those that were written");
        }
        match self.from.read(&mut [0]).await {
            Ok(0) => Ok(()),
            Ok(_) => bail!("the backup is damaged: something follows its end"),
            Err(error) => Err(error).context("cannot read the backup"),
        }
    }

    async fn read(&mut self, bytes: &mut [u8]) -> anyhow::Result<()> {
        match self.from.read_exact(bytes).await {
            Ok(_) => {
                self.digest.update(bytes);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                bail!("the backup is damaged: it ends too early")
            }
            Err(error) => Err(error).context("cannot read the backup"),
        }
    }
}

/// Reads an archive from its beginning to its end, and says what it holds. `passed` hears of each piece.
///
/// # Errors
/// It is no archive, or is damaged anywhere.
pub(crate) async fn verify(from: impl AsyncRead + Unpin, passed: impl Fn(u64)) -> anyhow::Result<Contents> {
    let mut reader = Reader::begin(from).await?;
    let (kind, body) = reader.record().await?;
    if kind != Kind::Head {
        bail!("the backup is damaged: it does not begin with its head");
    }
    let mut contents = Contents {
        head: parse(&body)?,
        end: End::default(),
        master_key: None,
        agent: None,
    };
    loop {
        match reader.record().await? {
            (Kind::MasterKey, body) => {
                let key = <[u8; 32]>::try_from(body);
                contents.master_key =
                    Some(key.map_err(|_| anyhow::anyhow!("the backup is damaged: its key is none"))?);
            }
            (Kind::Agent, body) => contents.agent = Some(body),
            (Kind::End, body) => {
                contents.end = parse(&body)?;
                break;
            }
            (Kind::Head, _) => bail!("the backup is damaged: it has two heads"),
            (Kind::Object | Kind::ObjectBytes | Kind::Database, body) => passed(body.len() as u64),
        }
    }
    reader.finish().await?;
    Ok(contents)
}

/// What an archive holds, besides what is too large to be held at once.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) head: Head,
    pub(crate) end: End,
    pub(crate) master_key: Option<[u8; 32]>,
    /// Who the server's own agent is.
    pub(crate) agent: Option<Vec<u8>>,
}

/// A record of JSON.
///
/// # Errors
/// The archive is damaged.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body).context("the backup is damaged: a record cannot be understood")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn archive() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new()).await.unwrap();
        let head = Head {
            keirin: "0.1.0".to_owned(),
            tables: 1,
            taken_at: Timestamp::UNIX_EPOCH,
        };
        writer.json(Kind::Head, &head).await.unwrap();
        writer.bytes(Kind::MasterKey, &[7; 32]).await.unwrap();
        let object = ObjectHead {
            key: "logs/1".to_owned(),
            bytes: 3,
        };
        writer.json(Kind::Object, &object).await.unwrap();
        writer.bytes(Kind::ObjectBytes, b"abc").await.unwrap();
        writer.bytes(Kind::Database, &vec![1; PIECE + 1]).await.unwrap();
        let end = End {
            projects: 1,
            objects: 1,
            ..End::default()
        };
        let (bytes, length) = writer.finish(&end).await.unwrap();
        assert_eq!(bytes.len() as u64, length);
        bytes
    }

    #[tokio::test]
    async fn what_was_written_is_read() {
        let bytes = archive().await;
        let contents = verify(bytes.as_slice(), |_| {}).await.unwrap();
        assert_eq!(contents.master_key, Some([7; 32]));
        assert_eq!((contents.end.projects, contents.end.objects), (1, 1));
        let mut reader = Reader::begin(bytes.as_slice()).await.unwrap();
        let mut database = 0;
        loop {
            match reader.record().await.unwrap() {
                (Kind::Database, body) => database += body.len(),
                (Kind::End, _) => break,
                _ => {}
            }
        }
        assert_eq!(database, PIECE + 1);
    }

    #[tokio::test]
    async fn an_archive_that_is_cut_anywhere_is_refused() {
        let bytes = archive().await;
        let ends = (0..200).chain((200..bytes.len()).step_by(65_521));
        for end in ends.chain([bytes.len() - 33, bytes.len() - 1]) {
            let error = verify(&bytes[..end], |_| {}).await.expect_err("it is cut");
            let text = error.to_string();
            assert!(
                text.contains("too early") || text.contains("not a backup"),
                "{end}: {text}"
            );
        }
    }

    #[tokio::test]
    async fn an_archive_in_which_any_bit_has_changed_is_refused() {
        let bytes = archive().await;
        let places = (0..200).chain((200..bytes.len()).step_by(65_521));
        for place in places.chain(bytes.len() - 40..bytes.len()) {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            assert!(verify(changed.as_slice(), |_| {}).await.is_err(), "byte {place}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(
            verify(longer.as_slice(), |_| {}).await.is_err(),
            "a byte too many"
        );
    }

    #[tokio::test]
    async fn an_archive_of_a_later_layout_is_called_so() {
        let error = verify(b"keirin archive 2\nwhatever".as_slice(), |_| {})
            .await
            .expect_err("newer");
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}
