//! `keirin admin backup`: everything of a server in one file, while it runs or not.

use std::collections::HashSet;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use jiff::SignedDuration;
use keirin_model::Timestamp;
use keirin_objects::{ObjectInfo, ObjectKey, Objects};
use keirin_store::Store;
use keirin_store::backup::BackupSummary;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWrite, BufWriter, DuplexStream, duplex};

use crate::agent::REGISTRATION;
use crate::config::ConfigFlags;
use crate::exit::Exit;
use crate::machine;
use crate::output::{Output, duration};
use crate::private_file;
use crate::serve::data::DataFolder;
use crate::serve::storage::{self, Database};
use crate::signals::Stop;

use super::archive::{End, Head, Kind, ObjectHead, PIECE, Writer};
use super::place::{configuration, used_folder};
use super::progress::{bytes, count, size, some_bytes};

/// How far the clock of an object storage may be off, and how long an object may take to be written.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// Backs a server up into one file: database, logs, artifacts and master key. Whoever has the file has all secrets
/// of the server, so keep it where nobody else can read it
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The file to write; `-` for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    flags: ConfigFlags,
}

/// Writes an archive of a server.
///
/// # Errors
/// The server's parts cannot be read, or the file cannot be written; then there is no file.
pub(super) async fn backup(arguments: BackupArguments, output: &Output) -> anyhow::Result<Exit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let started = machine::now();
    let mut stop = Stop::listen()?;
    let data = used_folder(&config)?;
    let database = Database::reach(&config, &data).await?;
    let source = Source {
        store: database.store(),
        objects: &storage::objects(&config, &data)?,
        data: &data,
    };
    let taken = tokio::select! {
        taken = source.write_to(&arguments.file) => Some(taken),
        _ = stop.asked() => None,
    };
    database.close().await?;
    let Some(taken) = taken else {
        output.say("Stopped; no backup was written.");
        return Ok(Exit::Cancelled);
    };
    tell(&taken?, &arguments.file, started, output);
    Ok(Exit::Success)
}

/// What came out of it.
struct Taken {
    end: End,
    at: Timestamp,
    bytes: u64,
    has_key: bool,
}

fn tell(taken: &Taken, file: &Path, started: Timestamp, output: &Output) {
    let seconds = machine::now().duration_since(started).as_secs_f64();
    let end = &taken.end;
    let is_stream = is_standard_output(file);
    let shown = if is_stream {
        "standard output".to_owned()
    } else {
        file.display().to_string()
    };
    let summary = format!(
        "Backed up {}, {} and {} ({}) in {} to {shown}.",
        count(end.projects, "project"),
        count(end.flows, "flow"),
        count(end.objects, "object"),
        size(end.object_bytes),
        duration(seconds),
    );
    match (is_stream, output.is_json()) {
        // The archive itself is on standard output.
        (true, _) => output.say(summary),
        (false, true) => output.document(&json!({
            "file": shown, "bytes": taken.bytes, "taken_at": taken.at, "seconds": seconds, "projects": end.projects,
            "flows": end.flows, "objects": end.objects, "object_bytes": end.object_bytes, "rows": end.rows,
            "master_key": taken.has_key,
        })),
        (false, false) => output.line(summary),
    }
    if taken.has_key {
        output.hint("It holds the master key: whoever has the file has every secret of the server.");
    } else {
        output.say("There is no master key in the data folder, so there is none in the backup.");
    }
}

fn is_standard_output(file: &Path) -> bool {
    file == Path::new("-")
}

/// What is backed up.
struct Source<'a> {
    store: &'a Store,
    objects: &'a Objects,
    data: &'a DataFolder,
}

impl Source<'_> {
    async fn write_to(&self, file: &Path) -> anyhow::Result<Taken> {
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
        let key = self.data.known_master_key()?;
        if let Some(key) = &key {
            writer.bytes(Kind::MasterKey, key).await?;
        }
        if let Some(agent) = private_file::read(&self.data.agent().join(REGISTRATION))? {
            writer.bytes(Kind::Agent, &agent).await?;
        }
        let total = self.objects.total(None).await?;
        let mut copied = Copied {
            since: machine::now() - MARGIN,
            young: HashSet::new(),
            objects: 0,
            bytes: 0,
        };
        let bar = bytes("Objects", total.bytes);
        self.copy_objects(&mut writer, &mut copied, false, &bar).await?;
        bar.finish_and_clear();
        let bar = some_bytes("Database");
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
            has_key: key.is_some(),
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
