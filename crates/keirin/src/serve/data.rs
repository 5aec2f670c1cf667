//! The data folder: what lies where, and what nobody else may read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use keirin_commands::local::{self, Local};
use keirin_console::private_file;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::net::{TcpStream, UnixStream};
use url::Url;

/// The socket that programs of the server's user reach it by.
const SOCKET: &str = "keirin.sock";
/// The key that everything secret at rest hangs on.
const MASTER_KEY: &str = "master.key";

/// How long a server may take to answer that may be there still.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// A server's data folder.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    root: PathBuf,
    /// What this process has said of how it is reached.
    told: Arc<Mutex<Option<Local>>>,
}

impl DataFolder {
    /// Makes the folder if need be; only its owner may enter it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        private_file::make_folder(root)?;
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot find {}", root.display()))?;
        Ok(Self {
            root,
            told: Arc::default(),
        })
    }

    /// The folder as it is; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(crate) fn existing(root: &Path) -> anyhow::Result<Option<Self>> {
        match root.canonicalize() {
            Ok(root) => Ok(Some(Self {
                root,
                told: Arc::default(),
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot look at {}", root.display())),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(crate) fn mirrors(&self) -> PathBuf {
        self.root.join("mirrors")
    }

    pub(crate) fn agent(&self) -> PathBuf {
        self.root.join("agent")
    }

    /// Where the socket of the server is, that leads or led last.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join(SOCKET)
    }

    /// The master key; made the first time.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn master_key(&self) -> anyhow::Result<[u8; 32]> {
        if let Some(key) = self.known_master_key()? {
            return Ok(key);
        }
        let mut key = [0; 32];
        SysRng
            .try_fill_bytes(&mut key)
            .context("the system's random source does not work")?;
        self.set_master_key(&key)?;
        Ok(key)
    }

    /// The master key; `None` where none has been made.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub(crate) fn known_master_key(&self) -> anyhow::Result<Option<[u8; 32]>> {
        let file = self.master_key_file();
        let Some(bytes) = private_file::read(&file)? else {
            return Ok(None);
        };
        match <[u8; 32]>::try_from(bytes) {
            Ok(key) => Ok(Some(key)),
            Err(_) => bail!(
                "{} is damaged: it must hold 32 bytes. Restore it from a backup",
                file.display()
            ),
        }
    }

    /// Puts a key in place of the one that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn set_master_key(&self, key: &[u8; 32]) -> anyhow::Result<()> {
        private_file::write(&self.master_key_file(), key)
    }

    /// Where the key lies that a restore takes the place of, until the restore has ended.
    pub(crate) fn former_master_key_file(&self) -> PathBuf {
        self.root.join("master.key.before-restore")
    }

    pub(crate) fn master_key_file(&self) -> PathBuf {
        self.root.join(MASTER_KEY)
    }

    /// Where the server is reached, as the command line on this machine finds it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn local(&self) -> anyhow::Result<Option<Local>> {
        local::read(&self.root)
    }

    /// Lets the command line on this machine find the server, and its socket where it has one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn remember_local(&self, url: &Url, has_socket: bool, token: &str) -> anyhow::Result<()> {
        let local = Local {
            url: url.clone(),
            socket: has_socket.then(|| SOCKET.into()),
            token: token.to_owned(),
        };
        private_file::write_json(&local::file(&self.root), &local)?;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(local);
        Ok(())
    }

    /// Takes away what a server left that did not end in order, so that nobody looks for it where it is no more; gives
    /// its token, which commands that wait know.
    ///
    /// # Errors
    /// When the file cannot be read or removed.
    pub(crate) async fn forget_left_over(&self) -> anyhow::Result<Option<String>> {
        let Some(local) = self.local()? else {
            return Ok(None);
        };
        let connect = async {
            match &local.socket {
                Some(socket) => drop(UnixStream::connect(self.root.join(socket)).await?),
                None => {
                    let addresses = local.url.socket_addrs(|| None)?;
                    drop(TcpStream::connect(addresses.as_slice()).await?);
                }
            }
            std::io::Result::Ok(())
        };
        let is_gone = match tokio::time::timeout(ANSWERS_WITHIN, connect).await {
            Ok(Err(error)) => matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound),
            Ok(Ok(())) | Err(_) => false,
        };
        if !is_gone {
            return Ok(None);
        }
        private_file::remove(&local::file(&self.root))?;
        Ok(Some(local.token))
    }

    /// This server leads no more. What another one on the same folder has said stays.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub(crate) fn forget_local(&self) -> anyhow::Result<()> {
        let file = local::file(&self.root);
        let Some(told) = self.told.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        match local::read(&self.root)? {
            Some(local) if local == told => private_file::remove(&file),
            _ => Ok(()),
        }
    }
}
