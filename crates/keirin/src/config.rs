//! Configuration: defaults, `keirin.toml`, `KEIRIN_*`, flags, in rising order.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use jiff::{SignedDuration, Timestamp};
use keirin_agent::{ByteSize, InvalidUidRange, UidRange};
use keirin_background::Recurrence;
use keirin_engine::clockwork::CronTimes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::agent::LimitArguments;
use crate::backup::scheduled::BackupSchedule;

/// The usual place of the configuration file.
const FILE: &str = "keirin.toml";

/// What can be set about a server. It holds secrets, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Where everything lies.
    pub(crate) data_dir: PathBuf,
    /// The database; a private one in the data folder where absent.
    pub(crate) database_url: Option<String>,
    /// How people's SQL signs in to the database; as a role that Keirin makes where absent.
    pub(crate) reader_url: Option<String>,
    /// The folder of PostgreSQL's programs, for the private database.
    pub(crate) postgres_bin: Option<PathBuf>,
    /// Whether the private database passes over the system's PostgreSQL.
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    pub(crate) hide_system_postgres: bool,
    /// Where people reach the server; its path is the sub-path that everything lies under.
    pub(crate) external_url: Option<Url>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// How many connections the server has at once; 8192 where absent, and never more than there are files for.
    pub(crate) connections_limit: Option<u32>,
    /// How many of them one address has, trusted proxies aside; a quarter where absent.
    pub(crate) connections_per_address: Option<u32>,
    /// Hosts that repositories may lie on: names, `*.` names, addresses, networks. Where absent, those that everybody
    /// reaches, and whatever an admin names.
    pub(crate) repository_hosts: Option<Vec<String>>,
    /// Folders of this machine that repositories may lie in. Where absent, any that an admin names.
    pub(crate) repository_paths: Option<Vec<PathBuf>>,
    /// How much memory each process of git may have that reads a project's repository, as in `4G`; half of the machine's
    /// where absent, and 4 GiB at least. 0 sets no bound.
    pub(crate) git_memory_limit: Option<ByteSize>,
    /// How many jobs the local agent runs at once, 0 for no local agent; the number of processors where absent, 1 where
    /// `local_user` is set.
    pub(crate) local_slots: Option<u32>,
    /// The user that jobs of the local agent run as, where the server is root and `local_slots` is 1.
    pub(crate) local_user: Option<String>,
    /// What jobs of the local agent may do.
    pub(crate) agent: AgentSettings,
    /// The S3 bucket for logs, artifacts and reports; a folder in the data folder where absent.
    pub(crate) s3_bucket: Option<String>,
    /// All objects are put below this key of the bucket.
    pub(crate) s3_prefix: Option<String>,
    /// Address of the S3 server; Amazon's where absent.
    pub(crate) s3_endpoint: Option<Url>,
    /// Region; servers that have none take any.
    pub(crate) s3_region: String,
    /// The access key to the bucket.
    pub(crate) s3_access_key_id: Option<String>,
    /// The secret of the access key.
    pub(crate) s3_secret_access_key: Option<String>,
    /// The folder of this machine that the server backs itself up into; no backups where absent.
    pub(crate) backup_dir: Option<PathBuf>,
    /// How many hours after the end of one backup the next begins, 1 at least.
    pub(crate) backup_every_hours: u32,
    /// When backups begin, as a cron expression of five fields; so long after each other where absent.
    pub(crate) backup_cron: Option<String>,
    /// The time zone of `backup_cron`, as in `Europe/Prague`.
    pub(crate) backup_timezone: String,
    /// How many backups stay in the folder, 0 for all.
    pub(crate) backups_kept: u32,
    /// How many series from outside each project may have, and as many may belong to none.
    pub(crate) series_limit: u64,
    /// How long samples from outside are kept.
    pub(crate) keep_samples_days: u32,
    /// How many days the audit log keeps who has changed what, 1 to 36500.
    pub(crate) keep_audit_days: u32,
    /// Whether the server's own database is measured.
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    pub(crate) measure_own_database: bool,
    /// What is scraped.
    pub(crate) targets: Vec<serde_json::Value>,
    /// Databases that are asked by SQL.
    pub(crate) sql: Vec<serde_json::Value>,
    /// Other servers that answer queries.
    pub(crate) sources: Vec<serde_json::Value>,
    /// Other servers that get what is new.
    pub(crate) forward: Vec<serde_json::Value>,
    /// What the server logs, as in `info,keirin_git=debug`.
    pub(crate) log: String,
    /// The file that some of this comes from, if there is one.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

impl Config {
    /// The backups that the server takes by itself; `None` where it takes none.
    ///
    /// # Errors
    /// The times that they are to be taken at cannot be understood.
    pub(crate) fn backup_schedule(&self) -> anyhow::Result<Option<BackupSchedule>> {
        let Some(folder) = self.backup_dir.clone() else {
            return Ok(None);
        };
        let recurrence = match &self.backup_cron {
            None => Recurrence::After(SignedDuration::from_hours(self.backup_every_hours.max(1).into())),
            Some(expression) => {
                let times = CronTimes::new(expression, &self.backup_timezone)
                    .context("`backup_cron` and `backup_timezone` of the configuration cannot be used")?;
                let comes = times.next(Timestamp::UNIX_EPOCH).is_some();
                anyhow::ensure!(
                    comes,
                    "`backup_cron` of the configuration names a time that never comes"
                );
                Recurrence::At(Box::new(times))
            }
        };
        Ok(Some(BackupSchedule {
            folder,
            recurrence,
            kept: self.backups_kept,
        }))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8460)),
            data_dir: PathBuf::from(".keirin-data"),
            database_url: None,
            reader_url: None,
            postgres_bin: None,
            hide_system_postgres: false,
            external_url: None,
            trusted_proxies: Vec::new(),
            repository_hosts: None,
            repository_paths: None,
            git_memory_limit: None,
            connections_limit: None,
            connections_per_address: None,
            local_slots: None,
            local_user: None,
            agent: AgentSettings::default(),
            s3_bucket: None,
            s3_prefix: None,
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_access_key_id: None,
            s3_secret_access_key: None,
            backup_dir: None,
            backup_every_hours: 24,
            backup_cron: None,
            backup_timezone: "UTC".to_owned(),
            backups_kept: 7,
            series_limit: 200_000,
            keep_samples_days: 400,
            keep_audit_days: 365,
            measure_own_database: true,
            targets: Vec::new(),
            sql: Vec::new(),
            sources: Vec::new(),
            forward: Vec::new(),
            log: "warn".to_owned(),
            file: None,
        }
    }
}

/// What can be set about the jobs of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentSettings {
    /// Numbers of the users that slots may have, where the agent is root; `1900000000-1900065535` where absent.
    pub(crate) uid_range: Option<String>,
    /// Folders beside its workspace that a job sees and may write in, as far as its user's rights go.
    pub(crate) writable: Vec<PathBuf>,
    /// How many processes and threads a job may have at once; 2048 where absent, 0 for no limit.
    pub(crate) process_limit: Option<u64>,
    /// How much memory a job may use, as in `4G`; half of the machine's where absent, 0 for no limit.
    pub(crate) memory_limit: Option<ByteSize>,
    /// How much a job may have in its folders, as in `4G`; 20 GiB where absent, 0 for no limit.
    pub(crate) disk_limit: Option<ByteSize>,
    /// How many files and folders a job may have in its folders; 2,000,000 where absent, 0 for no limit.
    pub(crate) files_limit: Option<u64>,
    /// How many files each process of a job may have open; 16384 where absent, 0 for the limit of the machine.
    pub(crate) open_files_limit: Option<u64>,
}

impl AgentSettings {
    /// What is set of the limits of a job.
    pub(crate) fn limits(&self) -> LimitArguments {
        LimitArguments {
            process_limit: self.process_limit,
            memory_limit: self.memory_limit,
            disk_limit: self.disk_limit,
            files_limit: self.files_limit,
            open_files_limit: self.open_files_limit,
        }
    }

    /// The range, if one is set.
    ///
    /// # Errors
    /// When the text is none.
    pub(crate) fn uid_range(&self) -> Result<Option<UidRange>, InvalidUidRange> {
        self.uid_range.as_deref().map(str::parse).transpose()
    }
}

/// The flags that set something; each stands above the file and the environment.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub(crate) struct ConfigFlags {
    /// Read this configuration file [default: `keirin.toml` in this folder, if there is one]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8460]; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Where everything lies [default: .keirin-data]
    #[arg(long, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Use this PostgreSQL instead of a private one
    #[arg(long, value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// The folder of PostgreSQL's programs, for the private database
    #[arg(long, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    postgres_bin: Option<PathBuf>,
    /// Where people reach the server, with the sub-path if it has one
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<Url>,
    /// How many jobs the local agent runs at once; 0 for no local agent [default: the number of processors]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    local_slots: Option<u32>,
    /// What the server logs, as in `info,keirin_git=debug` [default: warn]
    #[arg(long, value_name = "LEVELS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

impl ConfigFlags {
    /// All sources, one above the other.
    pub(crate) fn sources(&self) -> Figment {
        let defaults = Figment::from(Serialized::defaults(Config::default()));
        let with_file = match &self.config {
            Some(file) => defaults.merge(Toml::file_exact(file)),
            None => defaults.merge(Toml::file(FILE)),
        };
        let known = |name: &str| {
            let name = name.to_ascii_lowercase();
            fields().into_iter().find(|field| field.replace('.', "_") == name)
        };
        // Names that other commands use are left out; the server has no use for them.
        let environment = Env::prefixed("KEIRIN_")
            .filter(move |key| known(key.as_str()).is_some())
            .map(move |key| known(key.as_str()).map_or_else(|| key.as_str().to_owned().into(), Into::into));
        with_file.merge(environment).merge(Serialized::globals(self))
    }

    /// The values in force.
    ///
    /// # Errors
    /// Says which value is wrong and where it came from.
    pub(crate) fn read(&self) -> Result<Config, Box<figment::Error>> {
        let sources = self.sources();
        let mut config: Config = sources.extract().map_err(Box::new)?;
        let mut files = sources
            .metadata()
            .filter_map(|metadata| metadata.source.as_ref()?.file_path());
        config.file = files.next().map(Path::to_owned);
        Ok(config)
    }
}

/// The names of everything that can be set, as in `agent.uid_range`.
pub(crate) fn fields() -> Vec<String> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(Config::default()) else {
        return Vec::new();
    };
    let names = fields.into_iter().flat_map(|(name, value)| match value {
        serde_json::Value::Object(inner) => inner
            .into_iter()
            .map(|(inner, _)| format!("{name}.{inner}"))
            .collect(),
        _ => vec![name],
    });
    names.collect()
}

#[cfg(test)]
#[expect(clippy::result_large_err, reason = "the jail that tests run in gives errors as they are")]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_above_the_environment_and_that_above_the_file() {
        figment::Jail::expect_with(|jail| {
            jail.create_file(
                "keirin.toml",
                "listen = \"127.0.0.1:1\"\nlog = \"info\"\nlocal_slots = 3",
            )?;
            jail.set_env("KEIRIN_LISTEN", "127.0.0.1:2");
            jail.set_env("KEIRIN_LOG", "debug");
            jail.set_env("KEIRIN_TOKEN", "of another command");
            let flags = ConfigFlags {
                listen: Some(SocketAddr::from(([127, 0, 0, 1], 3))),
                ..ConfigFlags::default()
            };
            let config = flags.read().expect("valid");
            assert_eq!(
                (config.listen.port(), config.log.as_str(), config.local_slots),
                (3, "debug", Some(3))
            );
            assert_eq!(config.file, Some(jail.directory().join("keirin.toml")));
            Ok(())
        });
    }

    #[test]
    fn settings_of_the_agent_come_from_file_and_environment() {
        figment::Jail::expect_with(|jail| {
            jail.create_file(
                "keirin.toml",
                "[agent]\nuid_range = \"10-20\"\nmemory_limit = \"4G\"\nprocess_limit = 100",
            )?;
            let limits = ConfigFlags::default()
                .read()
                .map_err(|error| *error)?
                .agent
                .limits();
            assert_eq!(
                (limits.process_limit, limits.memory_limit),
                (Some(100), Some(ByteSize(4 << 30)))
            );
            let range = |config: Config| {
                config
                    .agent
                    .uid_range()
                    .expect("valid")
                    .map(|range| range.to_string())
            };
            assert_eq!(
                range(ConfigFlags::default().read().map_err(|error| *error)?).as_deref(),
                Some("10-20")
            );
            jail.set_env("KEIRIN_AGENT_MEMORY_LIMIT", "1048576");
            let limits = ConfigFlags::default()
                .read()
                .map_err(|error| *error)?
                .agent
                .limits();
            assert_eq!(limits.memory_limit, Some(ByteSize(1 << 20)));
            jail.set_env("KEIRIN_AGENT_UID_RANGE", "30-40");
            assert_eq!(
                range(ConfigFlags::default().read().map_err(|error| *error)?).as_deref(),
                Some("30-40")
            );
            Ok(())
        });
    }

    #[test]
    fn an_unknown_key_in_the_file_is_an_error() {
        figment::Jail::expect_with(|jail| {
            jail.create_file("keirin.toml", "lisen = \"127.0.0.1:1\"")?;
            let error = ConfigFlags::default().read().err().expect("unknown key");
            assert!(error.to_string().contains("lisen"), "{error}");
            Ok(())
        });
    }
}

#[cfg(test)]
#[path = "config_test.rs"]
mod page;
