//! `keirin admin restore`: puts a backup in place of what a data folder and its database hold.
//!
//! The whole file is verified before anything is changed. Objects come first, because nothing names them until the
//! database does; then the key and the database, which is replaced whole or not at all. A restore that was broken off
//! is done again from the beginning.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use futures::{TryStreamExt as _, stream};
use indicatif::ProgressBar;
use keirin_console::exit::CommandExit;
use keirin_console::output::{Output, duration};
use keirin_console::progress::{bytes, count, size};
use keirin_console::{machine, private_file};
use keirin_objects::{ObjectKey, Objects};
use keirin_store::Store;
use keirin_store::audit::AuditDetails;
use keirin_store::engine::LeaderLease;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWriteExt as _, BufReader, duplex};

use super::place::configuration;
use crate::agent::REGISTRATION;
use crate::backup::archive::{Contents, Kind, ObjectHead, PIECE, Reader, parse, verify};
use crate::config::ConfigFlags;
use crate::serve::data::DataFolder;
use crate::serve::storage::{self, Database};
use crate::signals::Stop;

/// How long a server that would like to lead waits for a restore that was killed.
const TERM: Duration = Duration::from_secs(15);
/// How often it is said that the restore goes on.
const RENEW: Duration = Duration::from_secs(4);

/// Restores a backup into an empty data folder, or in place of what is there
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The file that `keirin admin backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace what is there: database, objects and master key
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    flags: ConfigFlags,
}

/// Puts a backup in its place.
///
/// # Errors
/// The file is damaged, something would be lost, or a server leads: then nothing is changed.
pub(super) async fn restore(arguments: RestoreArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let config = match configuration(&arguments.flags, output) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let started = machine::now();
    let mut stop = Stop::listen()?;
    let file = arguments.file.as_path();
    let contents = tokio::select! {
        verified = verified(file) => verified.with_context(|| format!("nothing was restored from {}", file.display()))?,
        _ = stop.asked() => return Ok(CommandExit::Cancelled),
    };
    let data = DataFolder::open(&config.data_dir)?;
    check_key(&contents, &data, arguments.replace)?;
    let database = Database::open(&config, &data).await?;
    let target = Target {
        store: database.store(),
        objects: &storage::objects(&config, &data)?,
        data: &data,
        replace: arguments.replace,
    };
    let restored = target.restore(file, &contents, &mut stop).await;
    database.close().await?;
    match restored {
        Err(error) if error.is::<Stopped>() => {
            output.say(
                "Stopped. The database and the key are as they were. Nothing names the objects that were restored; restore \
                 again to finish.",
            );
            return Ok(CommandExit::Cancelled);
        }
        restored => restored?,
    }
    let seconds = machine::now().duration_since(started).as_secs_f64();
    tell(&contents, data.root(), seconds, output);
    Ok(CommandExit::Success)
}

fn tell(contents: &Contents, folder: &Path, seconds: f64, output: &Output) {
    let (head, end) = (&contents.head, &contents.end);
    if output.is_json() {
        output.document(&json!({
            "data_dir": folder, "taken_at": head.taken_at, "seconds": seconds, "projects": end.projects,
            "flows": end.flows, "objects": end.objects, "object_bytes": end.object_bytes, "rows": end.rows,
            "master_key": contents.master_key.is_some(),
        }));
        return;
    }
    output.line(format!(
        "Restored {}, {} and {} ({}) as they were at {:.0} in {}.",
        count(end.projects, "project"),
        count(end.flows, "flow"),
        count(end.objects, "object"),
        size(end.object_bytes),
        head.taken_at,
        duration(seconds),
    ));
    output.hint(format!(
        "Start the server: keirin serve --data-dir {}",
        folder.display()
    ));
}

async fn open(file: &Path) -> anyhow::Result<File> {
    File::open(file)
        .await
        .with_context(|| format!("cannot open {}", file.display()))
}

/// Reads the whole file and looks whether it can be restored by this program.
async fn verified(file: &Path) -> anyhow::Result<Contents> {
    let opened = open(file).await?;
    let metadata = opened.metadata().await.context("cannot look at the backup")?;
    if !metadata.is_file() {
        bail!("it is read twice, first to verify it, so it has to be an ordinary file");
    }
    let bar = bytes("Verifying", metadata.len());
    let verified = verify(BufReader::with_capacity(PIECE, opened), |length| bar.inc(length)).await;
    bar.finish_and_clear();
    let contents = verified?;
    let (tables, known) = (contents.head.tables, Store::table_version());
    if tables > known {
        bail!(
            "keirin {} made it, with tables at version {tables}, and this program knows them up to version {known}; \
             restore it with that keirin",
            contents.head.keirin
        );
    }
    Ok(contents)
}

/// A key that something may be sealed with is not lost unless that was said.
fn check_key(contents: &Contents, data: &DataFolder, replace: bool) -> anyhow::Result<()> {
    if replace {
        return Ok(());
    }
    match (data.known_master_key()?, contents.master_key) {
        (Some(own), Some(other)) if own != other => bail!(
            "{} holds another key than the backup, and what was sealed with it could never be read again; restore into \
             an empty data folder, or say --replace",
            data.master_key_file().display()
        ),
        _ => Ok(()),
    }
}

/// A person has asked to stop.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the restore was stopped")
    }
}

impl std::error::Error for Stopped {}

/// Where a backup goes.
struct Target<'a> {
    store: &'a Store,
    objects: &'a Objects,
    data: &'a DataFolder,
    replace: bool,
}

impl Target<'_> {
    async fn restore(&self, file: &Path, contents: &Contents, stop: &mut Stop) -> anyhow::Result<()> {
        let lease = tokio::select! {
            lease = self.lead() => lease?,
            _ = stop.asked() => return Err(Stopped.into()),
        };
        let restored = tokio::select! {
            restored = self.put(file, contents, stop) => restored,
            never = self.keep_lead(&lease) => match never {},
        };
        if restored.is_err() {
            // Else the lead went with the tables that it stood in.
            self.store.release(&lease).await?;
        }
        restored
    }

    /// Takes the lead, so that no server can work on what is about to be replaced.
    async fn lead(&self) -> anyhow::Result<LeaderLease> {
        if !self.replace && !self.store.is_empty().await? {
            bail!(
                "the database is not empty, and a backup takes the place of everything in it; restore into an empty \
                 data folder, or say --replace"
            );
        }
        let name = format!(
            "keirin admin restore on {} ({})",
            machine::host_name(),
            std::process::id()
        );
        if let Some(lease) = self.store.try_lead(&name, TERM).await? {
            return Ok(lease);
        }
        let leader = self.store.leader().await?;
        let leader = leader.map_or_else(|| "a server".to_owned(), |leader| leader.holder);
        bail!("{leader} leads on this database; stop every server on it first, then restore")
    }

    async fn keep_lead(&self, lease: &LeaderLease) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(RENEW).await;
            if let Err(error) = self.store.renew(lease, TERM).await {
                // While the tables are exchanged there is nothing to renew it in.
                tracing::debug!(%error, "the lead was not renewed");
            }
        }
    }

    /// Puts everything in its place. Where it fails, or is stopped, database and key are as they were.
    async fn put(&self, file: &Path, contents: &Contents, stop: &mut Stop) -> anyhow::Result<()> {
        let from = BufReader::with_capacity(PIECE, open(file).await?);
        let mut reader = Reader::begin(from).await?;
        let looking = async {
            let owner = self.object_owner().await?;
            let held_nothing = self.objects.list(None).try_next().await?.is_none();
            anyhow::Ok((owner, held_nothing))
        };
        let (owner, held_nothing) = tokio::select! {
            looked = looking => looked?,
            _ = stop.asked() => return Err(Stopped.into()),
        };
        let bar = bytes("Objects", contents.end.object_bytes);
        let first = tokio::select! {
            first = self.put_objects(&mut reader, &bar) => first,
            _ = stop.asked() => Err(Stopped.into()),
        };
        bar.finish_and_clear();
        let first = first?;
        let key_before = self.data.known_master_key().or_else(|error| {
            // A damaged key is what one restores for.
            if self.replace { Ok(None) } else { Err(error) }
        })?;
        let former = self.data.former_master_key_file();
        let mut is_put_aside = false;
        if let Some(key) = &contents.master_key {
            // One that a restore which was killed has put aside stays there: nothing else may hold it.
            if let Some(before) = key_before.filter(|before| before != key && !former.exists()) {
                private_file::write(&former, &before)?;
                is_put_aside = true;
            }
            self.data.set_master_key(key)?;
        }
        if let Err(error) = self.put_database(&mut reader, first, &owner, stop).await {
            if let Some(key) = &key_before {
                self.data.set_master_key(key)?;
            }
            if is_put_aside {
                private_file::remove(&former)?;
            }
            return Err(error);
        }
        private_file::remove(&former)?;
        if let Some(agent) = &contents.agent {
            let folder = self.data.agent();
            private_file::make_folder(&folder)?;
            private_file::write(&folder.join(REGISTRATION), agent)?;
        }
        // They are copies, of what other projects may have pointed at.
        private_file::remove_folder(&self.data.mirrors())?;
        // Objects that were there before may be those of the server that was backed up.
        if held_nothing && self.objects.owner().await?.is_none() {
            self.objects.set_owner(&owner).await?;
        }
        let taken_at = contents.head.taken_at.to_string();
        let details = AuditDetails::from([("taken_at".to_owned(), taken_at)]);
        let written = async {
            let entry = super::audit::begin(self.store, "keirin admin restore", &details).await?;
            super::audit::made(self.store, entry).await
        };
        // It is restored all the same.
        if let Err(error) = written.await {
            tracing::warn!(%error, "the audit log does not say that this was restored");
        }
        Ok(())
    }

    /// The id of the restored database as an owner of objects: that of the database whose place it takes where the objects
    /// are that one's, else one of its own. So a copy that uses the same bucket as the original removes nothing there.
    async fn object_owner(&self) -> anyhow::Result<String> {
        let before = self.store.object_owner().await?;
        let owner = self.objects.owner().await?;
        Ok(owner
            .filter(|owner| before.as_ref() == Some(owner))
            .unwrap_or_else(machine::password))
    }

    /// Puts all objects; gives the record that follows them.
    async fn put_objects<R: AsyncRead + Unpin + Send>(
        &self,
        reader: &mut Reader<R>,
        bar: &ProgressBar,
    ) -> anyhow::Result<Vec<u8>> {
        loop {
            match reader.record().await? {
                (Kind::Object, body) => {
                    let head: ObjectHead = parse(&body)?;
                    self.put_object(reader, &head).await?;
                    bar.inc(head.bytes);
                }
                (Kind::Head | Kind::MasterKey | Kind::Agent, _) => {}
                (Kind::Database, body) => return Ok(body),
                (Kind::ObjectBytes | Kind::End, _) => {
                    bail!("the backup is damaged: its records are out of order")
                }
            }
        }
    }

    async fn put_object<R: AsyncRead + Unpin + Send>(
        &self,
        reader: &mut Reader<R>,
        head: &ObjectHead,
    ) -> anyhow::Result<()> {
        let key = ObjectKey::parse(&head.key)?;
        let pieces = stream::try_unfold((reader, head.bytes), |(reader, missing)| async move {
            if missing == 0 {
                return Ok::<_, anyhow::Error>(None);
            }
            let (kind, body) = reader.record().await?;
            let rest = missing.checked_sub(body.len() as u64);
            match (kind, rest) {
                (Kind::ObjectBytes, Some(rest)) => Ok(Some((Bytes::from(body), (reader, rest)))),
                _ => bail!("the backup is damaged: an object has another length than it says"),
            }
        });
        self.objects
            .put_stream(&key, Box::pin(pieces), head.bytes)
            .await?;
        Ok(())
    }

    async fn put_database<R: AsyncRead + Unpin + Send>(
        &self,
        reader: &mut Reader<R>,
        first: Vec<u8>,
        owner: &str,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        let (mut from_archive, to_store) = duplex(PIECE);
        let restoring = self.store.restore(to_store, self.replace, owner);
        let reading = async move {
            let mut body = first;
            loop {
                if from_archive.write_all(&body).await.is_err() {
                    // The other side has stopped to listen, and says why.
                    return Ok(());
                }
                body = match reader.record().await? {
                    (Kind::Database, body) => body,
                    (Kind::End, _) => break,
                    _ => bail!("the backup is damaged: its records are out of order"),
                };
            }
            // The end of the stream.
            drop(from_archive);
            Ok(())
        };
        // With its stream the database hears of the stop, and puts back what it had begun to exchange.
        let reading = async {
            tokio::select! {
                read = reading => read,
                _ = stop.asked() => Err(Stopped.into()),
            }
        };
        match tokio::join!(restoring, reading) {
            // It has all that it needs, so it is done whatever else happened.
            (Ok(_), _) => Ok(()),
            (Err(_), Err(error)) => Err(error),
            (Err(error), Ok(())) => Err(error.into()),
        }
    }
}
