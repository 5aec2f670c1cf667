//! Samples that go out: what is new in the storage is sent on to another server.
//!
//! How far it has come is a time: everything before it has been sent. It moves on only after the other server has taken
//! what lies before, so nothing is skipped by a crash or while the other is down; what is sent twice does no harm there. A
//! number that counts a bucket of time is sent when its bucket is over, because most servers take one value for a time
//! and no second. Samples that come in for a time that has been sent already stay here. What facts make is sent once all facts
//! of its time have been counted, and keeps nothing else waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_formats::batch::{Batch, Metadata};
use keirin_http::{Authentication, CallLimits, Endpoint, EndpointSettings, HttpError, ProxyAddress};
use keirin_insight::definition_of;
use keirin_model::Clock;
use keirin_model::configured_duration;
use keirin_model::series::{Labels, Matcher, Sample};
use keirin_promql::{CompiledMatchers, Options};
use keirin_series::query::{QueryError, selector};
use keirin_series::storage::{FetchLimits, Storage, StorageError};
use keirin_store::Position;
use keirin_store::series::{ReaderPosition, SeriesRow};
use keirin_store::views::VisibleProjects;
use serde::Deserialize;
use url::Url;

use crate::influx_client::{InfluxClient, InfluxTarget};
use crate::remote_write_client::RemoteWriteClient;

/// Samples of now may still be on their way in.
const SETTLE: SignedDuration = SignedDuration::from_secs(5);
/// How much time is sent at once.
const STEP: SignedDuration = SignedDuration::from_mins(5);
/// What is older is not sent any more: hardly any server takes samples of a day ago.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// Bytes that a regular expression of a selector may need.
const REGEX_BYTES: usize = 1024 * 1024;

/// Another server as it is configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardSettings {
    /// What it is called; how far it has come is kept under that name.
    pub name: String,
    /// The address that takes remote write, as in `http://127.0.0.1:9090/api/v1/write`; of an InfluxDB the address of the
    /// server.
    pub url: Url,
    /// Where in an InfluxDB; absent for remote write.
    #[serde(default)]
    pub influx: Option<InfluxTarget>,
    /// Which series go, as in `{job="node"}`; all where nothing is said.
    #[serde(default, rename = "match")]
    pub selector: Option<String>,
    /// Who we are there.
    #[serde(default)]
    pub sign_in: Authentication,
    /// How long a call may take.
    #[serde(default = "default_timeout", with = "configured_duration")]
    pub timeout: Duration,
    /// A certificate authority in PEM that is trusted beside the system's.
    #[serde(default)]
    pub certificate_authority: Option<String>,
    /// The proxy that connects, as in `http://proxy.example.org:3128`; none where nothing is said.
    #[serde(default)]
    pub proxy: Option<ProxyAddress>,
}

const fn default_timeout() -> Duration {
    Duration::from_secs(30)
}

/// A server that gets what is new.
#[derive(Debug)]
pub struct Forward {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub outlet: Outlet,
    /// Which series go; all where there is none.
    pub matchers: Vec<Matcher>,
}

impl Forward {
    /// Checks what is configured; nothing is called yet.
    ///
    /// # Errors
    /// The address cannot be used, or the selector is none.
    pub fn new(settings: ForwardSettings) -> Result<Self, ForwardError> {
        let endpoint = EndpointSettings {
            sign_in: settings.sign_in,
            limits: CallLimits {
                timeout: Some(settings.timeout),
                ..CallLimits::default()
            },
            authority: settings.certificate_authority,
            proxy: settings.proxy,
            ..EndpointSettings::default()
        };
        let outlet = match &settings.influx {
            None => Outlet::RemoteWrite(RemoteWriteClient::new(&settings.url, &endpoint)?),
            Some(target) => Outlet::Influx(InfluxClient::new(&settings.url, target, &endpoint)?),
        };
        let matchers = match &settings.selector {
            None => Vec::new(),
            Some(text) => selector(text, &Options::default())?,
        };
        Ok(Self {
            name: settings.name,
            outlet,
            matchers,
        })
    }
}

/// Where samples go.
#[derive(Debug, Clone)]
pub enum Outlet {
    /// A server that takes remote write.
    RemoteWrite(RemoteWriteClient),
    /// An InfluxDB.
    Influx(InfluxClient),
}

/// Sends what is new to one server.
pub struct Forwarder {
    name: String,
    storage: Storage,
    clock: Clock,
    outlet: Outlet,
    matchers: Vec<Matcher>,
    status: Mutex<ForwardStatus>,
}

/// How a forwarder does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardStatus {
    /// Everything before this has been sent; none before the first time.
    pub sent_until: Option<Timestamp>,
    /// How many samples since the server started.
    pub samples: u64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Why samples could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The storage fails, or more is new than may be read at once.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The other server cannot be reached, or does not take them.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Which samples go cannot be told.
    #[error(transparent)]
    Selector(#[from] QueryError),
    /// Another server of ours was quicker.
    #[error("another server has sent the same samples")]
    Overtaken,
}

impl Forwarder {
    /// Nothing is sent yet.
    pub fn new(storage: Storage, clock: Clock, forward: Forward) -> Self {
        Self {
            name: forward.name,
            storage,
            clock,
            outlet: forward.outlet,
            matchers: forward.matchers,
            status: Mutex::default(),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        match &self.outlet {
            Outlet::RemoteWrite(client) => client.endpoint(),
            Outlet::Influx(client) => client.endpoint(),
        }
    }

    /// How it does.
    pub fn status(&self) -> ForwardStatus {
        self.locked().clone()
    }

    /// Sends what is new, up to some minutes of it. `true` when there is more.
    ///
    /// # Errors
    /// See [`ForwardError`]; the same is sent again the next time.
    pub async fn forward(&self) -> Result<bool, ForwardError> {
        let result = self.step().await;
        let mut status = self.locked();
        match &result {
            Ok((_, sent_until, samples)) => {
                status.sent_until = Some(*sent_until);
                status.samples += samples;
                status.error = None;
            }
            Err(error) => status.error = Some(error.to_string()),
        }
        drop(status);
        result.map(|(more, _, _)| more)
    }

    async fn step(&self) -> Result<(bool, Timestamp, u64), ForwardError> {
        let now = (self.clock)();
        let (more, until, samples) = self.step_of(Part::FromOutside, now, now).await?;
        let counted_until = self.counted_until(now).await?;
        let (more_made, made_until, made) = self.step_of(Part::OfFacts, now, counted_until).await?;
        Ok((more || more_made, until.min(made_until), samples + made))
    }

    /// Sends what is new of a part, of which everything is there that belongs before a time.
    async fn step_of(
        &self,
        part: Part,
        now: Timestamp,
        complete_until: Timestamp,
    ) -> Result<(bool, Timestamp, u64), ForwardError> {
        let name = self.position(part);
        let at = self.stored(&name).await?;
        let settled = settled(complete_until);
        let Some(before) = at else {
            // What was there before is not new.
            let begin = match part {
                Part::FromOutside => None,
                Part::OfFacts => self
                    .stored(&self.position(Part::FromOutside))
                    .await?
                    .map(sent_until),
            };
            let begin = begin.unwrap_or_else(|| self::settled(now));
            self.move_to(&name, at, begin).await?;
            if part == Part::FromOutside {
                self.describe().await?;
            }
            return Ok((false, begin, 0));
        };
        let sent = sent_until(before);
        let oldest = now.saturating_sub(OLDEST).unwrap_or(Timestamp::MIN);
        if sent < oldest {
            tracing::warn!(forward = %self.name, since = %sent, until = %oldest, "samples are too old to be sent");
        }
        let from = sent.max(oldest);
        let until = settled.min(from.saturating_add(STEP).unwrap_or(Timestamp::MAX));
        if until <= from {
            return Ok((false, sent, 0));
        }
        let batch = self.between(part, from, until, now).await?;
        // Somebody may have had facts counted anew while the samples were read.
        if part == Part::OfFacts && self::settled(self.counted_until(now).await?) < until {
            return Ok((false, sent, 0));
        }
        let samples = batch.samples() as u64;
        self.send(&batch).await?;
        self.move_to(&name, at, until).await?;
        Ok((until < settled, until, samples))
    }

    /// What its position is called in the database.
    fn position(&self, part: Part) -> String {
        match part {
            Part::FromOutside => format!("forward:{}", self.name),
            Part::OfFacts => format!("forward:{}:facts", self.name),
        }
    }

    async fn stored(&self, position: &str) -> Result<Option<ReaderPosition>, StorageError> {
        Ok(self.storage.store().position(position).await?)
    }

    /// Until when all facts are in the samples. What facts make of the time after that may still grow, and is sent once.
    async fn counted_until(&self, now: Timestamp) -> Result<Timestamp, StorageError> {
        let lags = self.storage.store().transform_lags().await?;
        let unread_since = lags.iter().filter_map(|lag| lag.unread_since).min();
        Ok(unread_since.map_or(now, |since| since.min(now)))
    }

    /// What became final after `from` and not after `until`.
    async fn between(
        &self,
        part: Part,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Batch, ForwardError> {
        let (from, until) = (from.as_millisecond(), until.as_millisecond());
        let compiled = CompiledMatchers::new(&self.matchers, REGEX_BYTES).map_err(QueryError::from)?;
        let limits = FetchLimits {
            series: u32::MAX - 1,
            ..FetchLimits::default()
        };
        let accepts = |labels: &Labels| compiled.accept(labels);
        let found = self
            .storage
            .find(&self.matchers, accepts, None, None, limits)
            .await?;
        let mut batch = Batch::default();
        let mut by_width: std::collections::BTreeMap<i64, Vec<SeriesRow>> = std::collections::BTreeMap::new();
        for series in found.into_iter().filter(|series| part_of(series) == part) {
            by_width.entry(width(&series)).or_default().push(series);
        }
        for (width, series) in by_width {
            let fetched = self
                .storage
                .fetch(
                    &series,
                    from - width + 1,
                    until - width,
                    now.as_millisecond(),
                    limits,
                )
                .await?;
            batch.series.extend(fetched.into_iter().map(|fetched| {
                let samples = fetched.samples;
                let samples = samples.times_ms.into_iter().zip(samples.values);
                (
                    fetched.labels,
                    samples
                        .map(|(time_ms, value)| Sample::new(time_ms, value))
                        .collect(),
                )
            }));
        }
        Ok(batch)
    }

    /// Tells the other server what the metrics mean.
    async fn describe(&self) -> Result<(), ForwardError> {
        let metadata = self
            .storage
            .store()
            .described_metrics(&VisibleProjects::All)
            .await
            .map_err(StorageError::from)?
            .into_iter()
            .map(|metric| Metadata {
                name: metric.name,
                kind: metric.kind,
                unit: metric.unit,
                help: metric.help,
            });
        self.send(&Batch {
            series: Vec::new(),
            metadata: metadata.collect(),
        })
        .await
    }

    async fn send(&self, batch: &Batch) -> Result<(), ForwardError> {
        if batch.is_empty() {
            return Ok(());
        }
        match &self.outlet {
            Outlet::RemoteWrite(client) => client.write(batch).await?,
            // What has no form there is left out: no numbers, and marked ends.
            Outlet::Influx(client) => drop(client.write(batch).await?),
        }
        Ok(())
    }

    async fn move_to(
        &self,
        position: &str,
        from: Option<ReaderPosition>,
        until: Timestamp,
    ) -> Result<(), ForwardError> {
        let mut writing = self.storage.begin().await?;
        let to = ReaderPosition {
            version: 1,
            position: Position {
                transaction: 0,
                number: until.as_millisecond(),
            },
            carried_day: None,
        };
        let moved = writing
            .transaction()
            .move_position(position, from, to)
            .await
            .map_err(StorageError::from)?;
        writing.commit().await?;
        if moved {
            Ok(())
        } else {
            Err(ForwardError::Overtaken)
        }
    }

    fn locked(&self) -> MutexGuard<'_, ForwardStatus> {
        // Nothing that can panic stands between the changes to it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything before this has been sent.
fn sent_until(at: ReaderPosition) -> Timestamp {
    Timestamp::from_millisecond(at.position.number).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What is sent apart, because it is complete at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What was scraped, pushed and written.
    FromOutside,
    /// What transforms make of facts: where they are behind, nothing else waits for them.
    OfFacts,
}

fn part_of(series: &SeriesRow) -> Part {
    match definition_of(series.labels.metric()) {
        Some(_) => Part::OfFacts,
        None => Part::FromOutside,
    }
}

/// Before this, nothing is on its way in any more of what is complete until then.
fn settled(complete_until: Timestamp) -> Timestamp {
    complete_until.saturating_sub(SETTLE).unwrap_or(Timestamp::MIN)
}

/// How long after its time a sample of the series is final, in milliseconds.
fn width(series: &SeriesRow) -> i64 {
    definition_of(series.labels.metric()).map_or(0, |definition| definition.bucket.milliseconds())
}
