//! Every way in and out for samples, as one server has them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_http::{CallFigures, Endpoint};
use keirin_model::Clock;
use keirin_series::storage::{Intake, IntakeLimits, Storage};
use keirin_store::StoreError;

use crate::collect::{Collectors, SqlJob};
use crate::forward::{Forward, Forwarder};
use crate::pushgateway::Groups;
use crate::scrape::ScrapeTarget;
use crate::source::PrometheusSource;

/// What queries call the series of this server.
pub const OWN_SOURCE: &str = "keirin";

/// What goes in and out, as it is configured.
#[derive(Debug, Default)]
pub struct ExchangeSettings {
    /// How much is kept.
    pub limits: IntakeLimits,
    /// What is scraped.
    pub targets: Vec<ScrapeTarget>,
    /// What is asked by SQL.
    pub databases: Vec<SqlJob>,
    /// Who else answers queries.
    pub sources: Vec<PrometheusSource>,
    /// Who gets what is new.
    pub forwards: Vec<Forward>,
}

/// What another server is to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum PeerKind {
    /// It is scraped.
    Target,
    /// It answers queries.
    Source,
    /// It gets what is new.
    Forward,
}

/// The calls of another server since this one started.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerCalls {
    /// What it is to this server.
    pub kind: PeerKind,
    /// What it is called.
    pub name: String,
    /// What has come of them.
    pub figures: CallFigures,
}

/// The ways in and out.
pub struct Exchange {
    storage: Storage,
    clock: Clock,
    limits: IntakeLimits,
    intake: Intake,
    groups: Groups,
    collectors: Collectors,
    sources: BTreeMap<String, PrometheusSource>,
    forwarders: Vec<Forwarder>,
}

/// A query names a server that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no source `{name}`; there are: {known}")]
pub struct UnknownSource {
    /// As it was named.
    pub name: String,
    /// Those that there are.
    pub known: String,
}

impl Exchange {
    /// Nothing is fetched or sent yet.
    pub fn new(storage: Storage, clock: Clock, settings: ExchangeSettings) -> Self {
        let intake = Intake::new(storage.clone(), settings.limits, clock.clone());
        let forwarders = settings
            .forwards
            .into_iter()
            .map(|forward| Forwarder::new(storage.clone(), clock.clone(), forward));
        Self {
            groups: Groups::new(storage.store().clone(), &intake, clock.clone()),
            collectors: Collectors::new(
                clock.clone(),
                intake.clone(),
                settings.targets,
                settings.databases,
            ),
            sources: settings
                .sources
                .into_iter()
                .map(|source| (source.name().to_owned(), source))
                .collect(),
            forwarders: forwarders.collect(),
            limits: settings.limits,
            intake,
            storage,
            clock,
        }
    }

    /// The way in for samples of no project.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// What was pushed and holds.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// What is fetched.
    pub fn collectors(&self) -> &Collectors {
        &self.collectors
    }

    /// Who gets what is new.
    pub fn forwarders(&self) -> &[Forwarder] {
        &self.forwarders
    }

    /// Who else answers queries.
    pub fn sources(&self) -> impl Iterator<Item = &PrometheusSource> {
        self.sources.values()
    }

    /// The calls of other servers over HTTP.
    pub fn calls(&self) -> Vec<PeerCalls> {
        let of = |kind: PeerKind, name: &str, endpoint: &Endpoint| PeerCalls {
            kind,
            name: name.to_owned(),
            figures: endpoint.figures(),
        };
        let targets = self.collectors.endpoints();
        let targets = targets.map(|(name, endpoint)| of(PeerKind::Target, name, endpoint));
        let sources = self.sources.values();
        let sources = sources.map(|source| of(PeerKind::Source, source.name(), source.endpoint()));
        let forwards = self.forwarders.iter();
        let forwards = forwards.map(|forward| of(PeerKind::Forward, forward.name(), forward.endpoint()));
        targets.chain(sources).chain(forwards).collect()
    }

    /// The server of this name; none where it is this one.
    ///
    /// # Errors
    /// There is none.
    pub fn source(&self, name: &str) -> Result<Option<&PrometheusSource>, UnknownSource> {
        if name.is_empty() || name == OWN_SOURCE {
            return Ok(None);
        }
        self.sources.get(name).map(Some).ok_or_else(|| {
            let mut known = vec![OWN_SOURCE];
            known.extend(self.sources.keys().map(String::as_str));
            UnknownSource {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// Drops samples from outside that are older than what is kept. Gives how many chunks.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn drop_old(&self) -> Result<u64, StoreError> {
        let now = (self.clock)();
        let since = now.saturating_sub(self.limits.keep).unwrap_or(Timestamp::MIN);
        self.storage.store().drop_samples(since.as_millisecond()).await
    }
}
