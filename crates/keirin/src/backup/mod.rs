//! Backups: everything of a server in one file, while it runs or not. Taken at the command line (`keirin admin backup`), and by
//! the server itself on a schedule.

pub(crate) mod archive;
pub(crate) mod scheduled;

use std::collections::HashSet;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget};
use jiff::SignedDuration;
use keirin_console::machine;
use keirin_console::private_file;
use keirin_console::progress::{bytes, some_bytes};
use keirin_model::Timestamp;
use keirin_objects::{ObjectInfo, ObjectKey, Objects};
use keirin_store::Store;
use keirin_store::backup::BackupSummary;
use tokio::io::{AsyncReadExt as _, AsyncWrite, BufWriter, DuplexStream, duplex};

use archive::{End, Head, Kind, ObjectHead, PIECE, Writer};

/// How far the clock of an object storage may be off, and how long an object may take to be written.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// What came out of it.
pub(crate) struct Taken {
    pub(crate) end: End,
    pub(crate) at: Timestamp,
    pub(crate) bytes: u64,
    pub(crate) has_key: bool,
}

/// Whether a backup goes to standard output.
pub(crate) fn is_standard_output(file: &Path) -> bool {
    file == Path::new("-")
}

/// What is backed up.
pub(crate) struct BackupSource {
    pub(crate) store: Store,
    pub(crate) objects: Objects,
    /// The master key, where there is one.
    pub(crate) key: Option<[u8; 32]>,
    /// The file that says who the server's own agent is.
    pub(crate) registration: PathBuf,
    /// Whether a person watches how far it has come.
    pub(crate) is_watched: bool,
}

impl BackupSource {
    /// Writes a backup into a file, which has its name once it is whole.
    ///
    /// # Errors
    /// The server's parts cannot be read, or the file cannot be written; then there is no file.
    pub(crate) async fn write_to(&self, file: &Path) -> anyhow::Result<Taken> {
        if is_standard_output(file) {
            if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
                bail!("a backup is not for a terminal; name a file, or send standard output into one");
            }
            let handle = std::io::stdout().as_fd().try_clone_to_owned();
            let handle = std::fs::File::from(handle.context("cannot write to standard output")?);
            return Ok(self
                .write(BufWriter::new(tokio::fs::File::from_std(handle)))
                .await?
                .1);
        }
        if goes_elsewhere(file) {
            // A pipe or a device can neither be replaced nor be had back.
            let to = tokio::fs::OpenOptions::new().write(true).open(file).await;
            let to = to.with_context(|| format!("cannot write to {}", file.display()))?;
            return Ok(self.write(BufWriter::new(to)).await?.1);
        }
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if file.is_dir() {
            bail!("{} is a folder; name a file in it", file.display());
        }
        // Nobody but its owner can read it, it goes when the work is given up, and it gets its name when it is whole.
        let unfinished = tempfile::Builder::new()
            .prefix(".keirin-backup-")
            .tempfile_in(folder)
            .with_context(|| format!("cannot write a file in {}", folder.display()))?;
        let handle = unfinished
            .as_file()
            .try_clone()
            .context("cannot write the backup")?;
        let to = BufWriter::with_capacity(PIECE, tokio::fs::File::from_std(handle));
        let (to, taken) = self.write(to).await?;
        to.into_inner()
            .sync_all()
            .await
            .context("cannot write the backup")?;
        unfinished
            .persist(file)
            .with_context(|| format!("cannot put the backup in its place, {}", file.display()))?;
        let opened = tokio::fs::File::open(folder).await;
        let synced = async { opened?.sync_all().await }.await;
        synced.with_context(|| format!("cannot make {} durable", file.display()))?;
        Ok(taken)
    }

    /// A bar, for those who watch.
    fn shown(&self, bar: ProgressBar) -> ProgressBar {
        if !self.is_watched {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar
    }

    /// Objects are written before the rows that name them, and removed after those: what a moment's rows name is there
    /// when the moment begins, and may be removed soon after it. So all objects that are there come first, then the
    /// database's moment is fixed, and before anything of it is taken come the objects that are new since.
    async fn write<W: AsyncWrite + Unpin + Send>(&self, to: W) -> anyhow::Result<(W, Taken)> {
        let condition = self.store.condition().await?;
        let Some(tables) = condition.tables else {
            bail!("the database has no tables, so there is nothing to back up");
        };
        let mut writer = Writer::begin(to).await?;
        let head = Head {
            keirin: env!("CARGO_PKG_VERSION").to_owned(),
            tables,
            taken_at: condition.now,
        };
        writer.json(Kind::Head, &head).await?;
        if let Some(key) = &self.key {
            writer.bytes(Kind::MasterKey, key).await?;
        }
        if let Some(agent) = private_file::read(&self.registration)? {
            writer.bytes(Kind::Agent, &agent).await?;
        }
        let total = self.objects.total(None).await?;
        let mut copied = Copied {
            since: machine::now() - MARGIN,
            young: HashSet::new(),
            objects: 0,
            bytes: 0,
        };
        let bar = self.shown(bytes("Objects", total.bytes));
        self.copy_objects(&mut writer, &mut copied, false, &bar).await?;
        bar.finish_and_clear();
        let bar = self.shown(some_bytes("Database"));
        let database = self.copy_database(&mut writer, &mut copied, &bar).await;
        bar.finish_and_clear();
        let summary = database?;
        let end = End {
            projects: summary.rows_of("projects"),
            flows: summary.rows_of("flows"),
            objects: copied.objects,
            object_bytes: copied.bytes,
            rows: summary.rows,
        };
        let (to, bytes) = writer.finish(&end).await?;
        let taken = Taken {
            end,
            at: summary.taken_at,
            bytes,
            has_key: self.key.is_some(),
        };
        Ok((to, taken))
    }

    /// Copies all objects, or those that were not there at the first time. One that is removed meanwhile is left out.
    async fn copy_objects<W: AsyncWrite + Unpin + Send>(
        &self,
        writer: &mut Writer<W>,
        copied: &mut Copied,
        only_new: bool,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        let mut list = self.objects.list(None);
        while let Some(info) = list.try_next().await? {
            if !copied.wants(&info, only_new) {
                continue;
            }
            let mut object = match self.objects.get_stream(&info.key).await {
                Ok(object) => object,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let head = ObjectHead {
                key: info.key.as_str().to_owned(),
                bytes: object.info.bytes,
            };
            writer.json(Kind::Object, &head).await?;
            let mut length = 0;
            while let Some(chunk) = object.chunks.next().await {
                let chunk = chunk?;
                writer.bytes(Kind::ObjectBytes, &chunk).await?;
                length += chunk.len() as u64;
                bar.inc(chunk.len() as u64);
            }
            if length != head.bytes {
                bail!("object {} ended too early; try again", info.key);
            }
            copied.add(&info, length);
        }
        Ok(())
    }

    async fn copy_database<W: AsyncWrite + Unpin + Send>(
        &self,
        writer: &mut Writer<W>,
        copied: &mut Copied,
        bar: &ProgressBar,
    ) -> anyhow::Result<BackupSummary> {
        let (from_store, mut to_archive) = duplex(PIECE);
        let taking = async { anyhow::Ok(self.store.backup(from_store).await?) };
        let writing = async {
            let mut piece = vec![0; PIECE];
            let mut is_first = true;
            loop {
                let length = read(&mut to_archive, &mut piece).await?;
                if length == 0 {
                    return Ok(());
                }
                if std::mem::take(&mut is_first) {
                    // The database speaks, so its moment is fixed; it waits with the rest until it is heard.
                    self.copy_objects(writer, copied, true, bar).await?;
                }
                writer.bytes(Kind::Database, &piece[..length]).await?;
                bar.inc(length as u64);
            }
        };
        let (summary, ()) = tokio::try_join!(taking, writing)?;
        Ok(summary)
    }
}

async fn read(from: &mut DuplexStream, piece: &mut [u8]) -> anyhow::Result<usize> {
    from.read(piece).await.context("cannot read the database")
}

/// Whether the file is there and is no ordinary one.
fn goes_elsewhere(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
    })
}

/// Which objects are in the archive. Only young ones are remembered one by one: an old one cannot be new the second time.
struct Copied {
    since: Timestamp,
    young: HashSet<ObjectKey>,
    objects: u64,
    bytes: u64,
}

impl Copied {
    fn wants(&self, info: &ObjectInfo, only_new: bool) -> bool {
        !only_new || (info.modified >= self.since && !self.young.contains(&info.key))
    }

    fn add(&mut self, info: &ObjectInfo, bytes: u64) {
        if info.modified >= self.since {
            self.young.insert(info.key.clone());
        }
        self.objects += 1;
        self.bytes += bytes;
    }
}
