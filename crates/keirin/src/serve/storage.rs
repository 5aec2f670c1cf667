//! The database, private or not, and the object storage.

use anyhow::{Context as _, bail};
use keirin_console::machine;
use keirin_objects::{ObjectKey, Objects, S3Settings};
use keirin_postgres::{Cluster, ClusterOptions};
use keirin_store::Store;

use super::data::DataFolder;
use crate::config::Config;

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
        let store = match &config.reader_url {
            Some(url) => store.with_reader(url).context("reader_url cannot be used")?,
            None => store,
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

/// The object storage: a bucket where one is named, else a folder.
///
/// # Errors
/// When the folder cannot be made, or something is missing that the bucket needs.
pub(crate) fn objects(config: &Config, data: &DataFolder) -> anyhow::Result<Objects> {
    let Some(bucket) = &config.s3_bucket else {
        if config.s3_endpoint.is_some() || config.s3_access_key_id.is_some() {
            bail!("S3 is configured without a bucket; set s3_bucket (KEIRIN_S3_BUCKET)");
        }
        return Ok(Objects::folder(data.objects())?);
    };
    let needed = |value: &Option<String>, name: &str| {
        let variable = name.to_ascii_uppercase();
        value
            .clone()
            .with_context(|| format!("the bucket {bucket} needs {name}; set it (KEIRIN_{variable})"))
    };
    let prefix = config.s3_prefix.as_deref().map(str::parse).transpose();
    Ok(Objects::s3(S3Settings {
        endpoint: config.s3_endpoint.clone(),
        region: config.s3_region.clone(),
        bucket: bucket.clone(),
        prefix: prefix.context("s3_prefix cannot be used")?,
        access_key_id: needed(&config.s3_access_key_id, "s3_access_key_id")?,
        secret_access_key: needed(&config.s3_secret_access_key, "s3_secret_access_key")?,
    })?)
}

/// Where the objects lie, in words.
pub(crate) fn place_of_objects(config: &Config, data: &DataFolder) -> String {
    match &config.s3_bucket {
        Some(bucket) => format!("the bucket {bucket}"),
        None => data.objects().display().to_string(),
    }
}

/// Writes, reads and removes an object.
///
/// # Errors
/// Says what is wrong with the storage.
pub(crate) async fn check(objects: &Objects) -> anyhow::Result<()> {
    let key = ObjectKey::parse(&format!("checks/{:016x}", machine::random()))?;
    Ok(objects.check(&key).await?)
}
