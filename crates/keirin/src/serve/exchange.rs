//! What goes in and out besides the work itself, as the configuration says: targets, databases, sources, forwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use keirin_console::machine;
use keirin_exchange::collect::SqlJob;
use keirin_exchange::exchange::{Exchange, ExchangeSettings, OWN_SOURCE};
use keirin_exchange::forward::{Forward, ForwardSettings};
use keirin_exchange::scrape::{ScrapeTarget, TargetSettings};
use keirin_exchange::source::{PrometheusSource, SourceSettings};
use keirin_exchange::sql::{SqlDatabase, SqlFile, SqlSettings, supplied};
use keirin_http::Secret;
use keirin_series::storage::{IntakeLimits, Storage};
use keirin_store::Store;
use keirin_store::foreign::ForeignDatabase;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::Config;

/// What the server asks its own database.
const OWN_FILES: [&str; 2] = ["keirin", "postgresql"];

/// A database as it is configured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlConfig {
    /// The label `job` of its series.
    name: String,
    /// Where it is; the server's own database where absent.
    url: Option<Secret>,
    /// Labels of its series beside `job`.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Files of queries, or names of those that come with Keirin.
    files: Vec<String>,
}

/// The ways in and out of this configuration.
///
/// # Errors
/// Something in it cannot be used; the message says which and why.
pub(super) fn build(config: &Config, storage: Storage) -> anyhow::Result<Exchange> {
    let store = storage.store().clone();
    let settings = ExchangeSettings {
        limits: IntakeLimits {
            series: config.series_limit,
            keep: SignedDuration::from_hours(24 * i64::from(config.keep_samples_days)),
        },
        targets: each("targets", &config.targets, |settings: TargetSettings| {
            Ok(ScrapeTarget::new(settings)?)
        })?,
        databases: databases(config, &store)?,
        sources: each("sources", &config.sources, |settings: SourceSettings| {
            anyhow::ensure!(
                settings.name != OWN_SOURCE,
                "the source cannot be called `{OWN_SOURCE}`, which is this server; give it another name"
            );
            Ok(PrometheusSource::new(settings)?)
        })?,
        forwards: each("forward", &config.forward, |settings: ForwardSettings| {
            Ok(Forward::new(settings)?)
        })?,
    };
    Ok(Exchange::new(storage, Arc::new(machine::now), settings))
}

fn databases(config: &Config, store: &Store) -> anyhow::Result<Vec<SqlJob>> {
    let mut jobs = Vec::new();
    if config.measure_own_database {
        let own = SqlConfig {
            name: "keirin".to_owned(),
            url: None,
            labels: BTreeMap::new(),
            files: OWN_FILES.map(str::to_owned).to_vec(),
        };
        jobs.extend(sql_jobs(own, store)?);
    }
    let configured = each("sql", &config.sql, |config: SqlConfig| sql_jobs(config, store))?;
    jobs.extend(configured.into_iter().flatten());
    Ok(jobs)
}

fn sql_jobs(config: SqlConfig, store: &Store) -> anyhow::Result<Vec<SqlJob>> {
    let settings = SqlSettings {
        name: config.name,
        url: config.url,
        labels: config.labels,
    };
    let database = SqlDatabase::new(&settings, ForeignDatabase::of(store))?;
    config
        .files
        .iter()
        .map(|file| {
            let text = match supplied(file) {
                Some(text) => text.to_owned(),
                None => std::fs::read_to_string(Path::new(file))
                    .with_context(|| format!("the file of queries {file} cannot be read"))?,
            };
            let queries =
                SqlFile::read(&text).with_context(|| format!("the file of queries {file} cannot be used"))?;
            Ok(SqlJob {
                name: settings.name.clone(),
                database: database.clone(),
                file: queries,
            })
        })
        .collect()
}

/// Each part of a list as what it has to be.
fn each<Settings: DeserializeOwned, Part>(
    key: &str,
    values: &[serde_json::Value],
    make: impl Fn(Settings) -> anyhow::Result<Part>,
) -> anyhow::Result<Vec<Part>> {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let place = || match value.get("name").and_then(serde_json::Value::as_str) {
                Some(name) => format!("`{name}` in `{key}` of the configuration cannot be used"),
                None => format!(
                    "number {} in `{key}` of the configuration cannot be used",
                    index + 1
                ),
            };
            let settings = Settings::deserialize(value).with_context(place)?;
            make(settings).with_context(place)
        })
        .collect()
}
