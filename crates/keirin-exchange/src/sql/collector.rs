//! Runs the queries of a file at their intervals, against one database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keirin_formats::batch::Received;
use keirin_http::Secret;
use keirin_model::Clock;
use keirin_model::series::Labels;
use keirin_series::sink::SampleSink;
use keirin_store::foreign::{ForeignDatabase, ForeignError, run_query};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{QueryEnd, SqlFile, SqlMetricQuery, Taken};

/// Values hold until the next run, and a series that says nothing for some minutes counts as gone: so they are said again
/// at least so often.
const SAID_AGAIN: Duration = Duration::from_secs(60);

/// Queries that run at the same time against one database.
const AT_ONCE: usize = 2;

/// A database as it is configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlSettings {
    /// The label `job` of its series.
    pub name: String,
    /// As in `postgres://name:password@host/database`; our own where there is none.
    pub url: Option<Secret>,
    /// Labels of its series beside `job`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A database that can be asked.
#[derive(Debug, Clone)]
pub struct SqlDatabase {
    labels: Labels,
    database: ForeignDatabase,
}

impl SqlDatabase {
    /// The database of these settings, and `own` where they name none.
    ///
    /// # Errors
    /// Its address cannot be read.
    pub fn new(settings: &SqlSettings, own: ForeignDatabase) -> Result<Self, ForeignError> {
        let job = Labels::new([("job", &*settings.name)]).expect("one name");
        let labels = settings
            .labels
            .iter()
            .fold(job, |labels, (name, value)| labels.with(name, value));
        let database = match &settings.url {
            Some(url) => url.reveal().parse()?,
            None => own,
        };
        Ok(Self { labels, database })
    }
}

/// A query and how it does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SqlStatus {
    /// What it is called.
    pub query: String,
    /// When the last run began; `None` before the first.
    pub last_run: Option<Timestamp>,
    /// How long the last run took.
    pub last_duration: Duration,
    /// Why the last run failed, or why its samples were not kept.
    pub last_error: Option<String>,
    /// Whether the query cannot be asked there, as its `when` says.
    pub left_out: bool,
    /// Samples that came of the last run.
    pub samples: usize,
}

/// Runs the queries of a file at their intervals.
pub struct SqlCollector {
    clock: Clock,
    sink: Arc<dyn SampleSink>,
    database: SqlDatabase,
    queries: Vec<SqlMetricQuery>,
    statuses: Mutex<BTreeMap<String, SqlStatus>>,
    at_once: Semaphore,
}

impl SqlCollector {
    /// The queries of a file against one database.
    pub fn new(clock: Clock, sink: Arc<dyn SampleSink>, database: SqlDatabase, file: SqlFile) -> Self {
        let unasked = |query: &SqlMetricQuery| SqlStatus {
            query: query.name.clone(),
            ..SqlStatus::default()
        };
        let statuses = file
            .queries
            .iter()
            .map(|query| (query.name.clone(), unasked(query)))
            .collect();
        Self {
            clock,
            sink,
            database,
            queries: file.queries,
            statuses: Mutex::new(statuses),
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    /// Every query and how it does, by name.
    pub fn statuses(&self) -> Vec<SqlStatus> {
        self.locked().values().cloned().collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, SqlStatus>> {
        // A status is replaced as a whole, so it is right also where somebody panicked.
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until it is stopped; queries that run then are given up.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for index in 0..self.queries.len() {
            let collector = self.clone();
            tasks.spawn(async move { collector.repeat(&collector.queries[index]).await });
        }
        // The tasks have no end; what ends them is that they are dropped.
        stop.cancelled().await;
    }

    async fn repeat(&self, query: &SqlMetricQuery) {
        let mut due = Instant::now();
        let mut ticks = interval_at(due, between_words(query.interval));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // What the storage has, and what holds.
        let (mut kept, mut taken) = (Taken::default(), Taken::default());
        loop {
            let tick = ticks.tick().await;
            if tick >= due {
                // Half a tick early, so that rounding does not make it one late.
                due = tick + query.interval - ticks.period() / 2;
                taken = self.ask(query).await;
            }
            let batch = taken.batch(&kept, (self.clock)().as_millisecond());
            // What holds is said again, what was refused is not.
            let refused = std::mem::take(&mut taken.refused);
            if batch.is_empty() {
                continue;
            }
            let written = self.sink.write(Received { batch, refused }).await;
            if let Err(error) = &written {
                tracing::warn!(query = %query.name, %error, "not all that a query gave is kept");
                if let Some(status) = self.locked().get_mut(&query.name) {
                    status.last_error.get_or_insert_with(|| error.to_string());
                }
            }
            if !written.is_err_and(|error| error.is_transient()) {
                kept = taken.clone();
            }
        }
    }

    /// Runs a query now.
    async fn ask(&self, query: &SqlMetricQuery) -> Taken {
        let turn = self.at_once.acquire().await;
        let began = (self.clock)();
        let since = Instant::now();
        let end = run(&self.database.database, query).await;
        let took = since.elapsed();
        drop(turn);
        let taken = Taken::from_run(query, &end, took, &self.database.labels);
        let status = SqlStatus {
            query: query.name.clone(),
            last_run: Some(began),
            last_duration: took,
            last_error: taken.error.clone(),
            left_out: taken.left_out,
            samples: taken.samples,
        };
        self.locked().insert(query.name.clone(), status);
        taken
    }
}

/// How often values are said: a whole number of times in an interval, and at least as often as they have to be.
fn between_words(interval: Duration) -> Duration {
    let times = interval.as_secs_f64() / SAID_AGAIN.as_secs_f64();
    interval.div_f64(times.ceil().max(1.0))
}

/// Runs a query where it can be asked.
async fn run(database: &ForeignDatabase, query: &SqlMetricQuery) -> QueryEnd {
    if let Some(when) = &query.when {
        match run_query(database, when, query.timeout, 1).await {
            Err(error) => return QueryEnd::Failed(error),
            Ok(rows) if rows.rows != [[Some("t".to_owned())]] => return QueryEnd::LeftOut,
            Ok(_) => {}
        }
    }
    match run_query(database, &query.sql, query.timeout, query.rows).await {
        Ok(rows) => QueryEnd::Rows(rows),
        Err(error) => QueryEnd::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_a_whole_number_of_times_in_an_interval() {
        for (interval, said) in [(5, 5), (60, 60), (90, 45), (3_600, 60), (86_400, 60)] {
            assert_eq!(
                between_words(Duration::from_secs(interval)),
                Duration::from_secs(said)
            );
        }
    }
}
