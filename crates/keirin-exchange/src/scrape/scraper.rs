//! Scrapes every target at its interval.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keirin_formats::text::Exposition;
use keirin_model::Clock;
use keirin_series::sink::SampleSink;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{Health, ScrapeError, ScrapeState, ScrapeTarget, TargetError, TargetStatus, fetch, outcome};

/// Scrapes every target at its interval, each on its own, and hands the samples on.
pub struct Scraper {
    shared: Arc<Shared>,
    running: BTreeMap<String, Running>,
}

struct Shared {
    clock: Clock,
    sink: Arc<dyn SampleSink>,
    statuses: Mutex<BTreeMap<String, TargetStatus>>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<ScrapeState>,
    target: Arc<ScrapeTarget>,
}

impl Scraper {
    /// A scraper without targets.
    pub fn new(clock: Clock, sink: Arc<dyn SampleSink>) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                sink,
                statuses: Mutex::default(),
            }),
            running: BTreeMap::new(),
        }
    }

    /// Scrapes these targets from now on and no others. Those that are there already as they are go on undisturbed; the
    /// series of those that are gone or changed are marked as ended.
    ///
    /// # Errors
    /// A name is there twice; nothing has changed then.
    pub async fn set_targets(&mut self, targets: Vec<ScrapeTarget>) -> Result<(), TargetError> {
        let mut names = BTreeSet::new();
        if let Some(twice) = targets.iter().find(|target| !names.insert(target.name.clone())) {
            return Err(TargetError {
                name: twice.name.clone(),
                fault: "is there twice; give each a name of its own".to_owned(),
            });
        }
        let mut wanted: BTreeMap<String, ScrapeTarget> = targets
            .into_iter()
            .map(|target| (target.name.clone(), target))
            .collect();
        let gone = self.running.extract_if(.., |name, running| {
            wanted
                .get(name)
                .is_none_or(|target| target.settings != running.target.settings)
        });
        for (name, running) in gone.collect::<Vec<_>>() {
            running.stop.cancel();
            let state = running.task.await.unwrap_or_default();
            let batch = state.ends(&running.target, (self.shared.clock)().as_millisecond());
            if let Err(error) = self.shared.sink.write(batch.into()).await {
                tracing::warn!(target_name = %name, %error, "the ends of a target's series were not kept");
            }
            self.shared.statuses().remove(&name);
        }
        wanted.retain(|name, _| !self.running.contains_key(name));
        for (name, target) in wanted {
            let target = Arc::new(target);
            let stop = CancellationToken::new();
            self.shared
                .statuses()
                .insert(name.clone(), TargetStatus::unknown(&target));
            let work = scrape_until(self.shared.clone(), target.clone(), stop.clone());
            let task = tokio::spawn(work);
            self.running.insert(name, Running { stop, task, target });
        }
        Ok(())
    }

    /// Every target and how it does, by name.
    pub fn statuses(&self) -> Vec<TargetStatus> {
        self.shared.statuses().values().cloned().collect()
    }

    /// Stops; answers that are not there yet are given up. No end is marked: this program stops, not its targets.
    pub async fn stop(self) {
        for running in self.running.values() {
            running.stop.cancel();
        }
        for (name, running) in self.running {
            if let Err(error) = running.task.await {
                tracing::error!(target_name = %name, %error, "the scraping of a target ended by itself");
            }
        }
    }
}

impl Shared {
    fn statuses(&self) -> MutexGuard<'_, BTreeMap<String, TargetStatus>> {
        // A status is replaced as a whole, so it is right also where somebody panicked.
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn scrape_until(
    shared: Arc<Shared>,
    target: Arc<ScrapeTarget>,
    stop: CancellationToken,
) -> ScrapeState {
    let mut state = ScrapeState::default();
    let mut ticks = interval_at(Instant::now() + first_wait(&target), target.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return state,
            _ = ticks.tick() => {}
        }
        let began = (shared.clock)();
        let since = Instant::now();
        // When it is stopped, an answer is waited for no longer; one that is there is kept all the same.
        let fetched = tokio::select! {
            () = stop.cancelled() => return state,
            fetched = fetch(&target) => fetched,
        };
        state = keep(&shared, &target, fetched, began, since.elapsed(), state).await;
    }
}

/// Targets are spread over their interval, each always at the same place of it, and not scraped all at once.
fn first_wait(target: &ScrapeTarget) -> Duration {
    let mut hasher = DefaultHasher::new();
    (&target.name, &target.url).hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 1_000).expect("less than a thousand");
    // The first figures of a new target are not long in coming.
    target.interval.min(Duration::from_secs(5)) * part / 1_000
}

/// Keeps what a scrape came to, and says in the status how it went. Gives what is live afterwards.
async fn keep(
    shared: &Shared,
    target: &ScrapeTarget,
    fetched: Result<Exposition, ScrapeError>,
    began: Timestamp,
    took: Duration,
    before: ScrapeState,
) -> ScrapeState {
    let (fetched, failure) = match fetched {
        Ok(exposition) => (Some(exposition), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let came = outcome(target, fetched, began.as_millisecond(), took, before.clone());
    let kept = shared.sink.write(came.received).await;
    if let Err(error) = &kept {
        tracing::warn!(target_name = %target.name, %error, "not all that a target exposed is kept");
    }
    let mut statuses = shared.statuses();
    if let Some(status) = statuses.get_mut(&target.name) {
        status.health = if failure.is_none() {
            Health::Up
        } else {
            Health::Down
        };
        status.last_scrape = Some(began);
        status.last_duration = took;
        status.last_error = failure.or_else(|| kept.as_ref().err().map(ToString::to_string));
        status.samples = came.scraped;
    }
    // What is refused once is refused again, so nothing is waited for.
    if kept.is_err_and(|error| error.is_transient()) {
        before.or(came.state)
    } else {
        came.state
    }
}
