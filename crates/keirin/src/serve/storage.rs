//! The database, private or not, and the object storage.

use anyhow::Context as _;
use keirin_objects::Objects;
use keirin_store::Store;
use keirin_store::cluster::{Cluster, ClusterOptions};

use super::data::DataFolder;
use crate::config::Config;
use crate::machine;

/// The database of a server.
pub(crate) struct Database {
    store: Store,
    cluster: Option<Cluster>,
}

impl Database {
    /// Connects to the database, starting a private one where none is named, and brings its tables to this version.
    ///
    /// # Errors
    /// When it cannot be started or reached; each says what to do.
    pub(crate) async fn open(config: &Config, data: &DataFolder) -> anyhow::Result<Self> {
        let database = Self::reach(config, data).await?;
        match database.store.migrate().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await?;
                Err(error.into())
            }
        }
    }

    /// Connects to the database, starting a private one where none is named, and leaves its tables as they are.
    ///
    /// # Errors
    /// When it cannot be started or reached; each says what to do.
    pub(crate) async fn reach(config: &Config, data: &DataFolder) -> anyhow::Result<Self> {
        let (store, cluster) = match &config.database_url {
            Some(url) => (Store::connect(url).await?, None),
            None => {
                let cluster = Cluster::start_or_join(options(config, data)).await?;
                (
                    Store::connect_with(cluster.connect_options()).await?,
                    Some(cluster),
                )
            }
        };
        Ok(Self { store, cluster })
    }

    /// The private database; `None` where another is named.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Starts the private database again when it ends by itself; comes back only when that fails.
    pub(crate) async fn watch(&self) -> anyhow::Error {
        match &self.cluster {
            Some(cluster) => match cluster.keep_running().await {
                Ok(()) => std::future::pending().await,
                Err(error) => error.into(),
            },
            None => std::future::pending().await,
        }
    }

    /// Closes all connections, and stops the private database if nobody else uses it.
    ///
    /// # Errors
    /// When the private database cannot be stopped.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        if let Some(cluster) = self.cluster {
            cluster
                .stop()
                .await
                .context("the private database could not be stopped")?;
        }
        Ok(())
    }
}

/// How the private database is run.
pub(crate) fn options(config: &Config, data: &DataFolder) -> ClusterOptions {
    let mut options = ClusterOptions::new(data.root());
    options.search.named.clone_from(&config.postgres_bin);
    options.search.hide_system = config.hide_system_postgres;
    options.search.path = machine::variable("PATH").map(Into::into);
    options.search.beside = machine::program_folder();
    options.runtime_dir = machine::variable("XDG_RUNTIME_DIR").map(Into::into);
    options
}

/// The object storage: a folder.
///
/// # Errors
/// When the folder cannot be made.
pub(crate) fn objects(data: &DataFolder) -> anyhow::Result<Objects> {
    Ok(Objects::folder(data.objects())?)
}
