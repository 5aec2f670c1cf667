//! Runs background jobs while this server leads.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use keirin_model::{BackgroundJobId, Clock};
use keirin_store::background_jobs::{BackgroundJobEnd, BegunJob};
use keirin_store::engine::Epoch;
use keirin_store::{Store, StoreError};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::figures::{Figures, KindFigures, RunEnd};
use crate::kind::{BackgroundKind, BackgroundWork, JobFailure, NextRun};

/// How often it is looked for jobs that nobody has told of.
const LOOK: Duration = Duration::from_secs(60);
/// How long until the database is asked again that could not be reached.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// All background jobs of a server. A clone is the same.
#[derive(Clone)]
pub struct BackgroundJobs(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    works: BTreeMap<&'static str, Arc<dyn BackgroundWork>>,
    running: Mutex<HashMap<BackgroundJobId, RunningJob>>,
    figures: Figures,
}

struct RunningJob {
    kind: &'static str,
    /// In which it was begun: one that an earlier lead has left may still be ending.
    epoch: Epoch,
    abort: AbortHandle,
}

/// Background jobs being run. They are ended where they are when it is dropped.
pub struct RunningJobs {
    stop: oneshot::Sender<Duration>,
    runner: AbortOnDropHandle<()>,
}

impl RunningJobs {
    /// Begins no more, lets those that run come to an end for as long as this, and gives back the others.
    pub async fn stop(self, farewell: Duration) {
        // The runner may have ended by itself, when another server led.
        let _ = self.stop.send(farewell);
        drop(self.runner.await);
    }
}

impl BackgroundJobs {
    /// The background jobs of these kinds.
    pub fn new(store: Store, clock: Clock, works: Vec<Arc<dyn BackgroundWork>>) -> Self {
        let figures = Figures::default();
        let works = works.into_iter().map(|work| (work.kind().name, work));
        let works: BTreeMap<_, _> = works.collect();
        works.keys().for_each(|kind| figures.know(kind));
        Self(Arc::new(Inner {
            store,
            clock,
            works,
            running: Mutex::default(),
            figures,
        }))
    }

    /// Begins to run them as the leader of this epoch.
    pub fn start(&self, epoch: Epoch) -> RunningJobs {
        let (stop, stopped) = oneshot::channel();
        let runner = tokio::spawn(Arc::clone(&self.0).run(epoch, stopped));
        RunningJobs {
            stop,
            runner: AbortOnDropHandle::new(runner),
        }
    }

    /// The kinds that there are.
    pub fn kinds(&self) -> impl Iterator<Item = BackgroundKind> + '_ {
        self.0.works.values().map(|work| work.kind())
    }

    /// What the jobs of each kind have come to since the server started.
    pub fn figures(&self) -> BTreeMap<&'static str, KindFigures> {
        self.0.figures.all()
    }

    /// Has a job begin now, also one that has failed too often; one that runs is run once more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was.
    pub async fn run_now(&self, id: BackgroundJobId) -> Result<(), StoreError> {
        self.0.store.run_background_job_now(id, (self.0.clock)()).await
    }

    /// Ends and forgets a job; one that recurs is left out this once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is over or never was, [`StoreError::Conflict`] when nobody else knows what is left to
    /// do.
    pub async fn cancel(&self, id: BackgroundJobId) -> Result<(), StoreError> {
        let job = self.0.store.background_job(id).await?;
        let kind = self.0.works.get(job.kind.as_str()).map(|work| work.kind());
        if kind.as_ref().is_some_and(|kind| !kind.is_cancellable) {
            return Err(StoreError::Conflict(
                "this job alone knows what is left to do, so it cannot be cancelled".to_owned(),
            ));
        }
        let recurrence = kind.and_then(|kind| kind.recurrence);
        match recurrence.and_then(|recurrence| recurrence.left_out((self.0.clock)(), job.run_at)) {
            Some(next) => self.0.store.leave_out_background_job(id, next).await?,
            None => self.0.store.delete_background_job(id).await?,
        }
        // Its row says already that what comes of it counts no more.
        let running = self.0.running();
        if let Some(running) = running.get(&id) {
            running.abort.abort();
            self.0
                .figures
                .ended(running.kind, RunEnd::Cancelled, Duration::ZERO);
        }
        Ok(())
    }
}

impl Inner {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<BackgroundJobId, RunningJob>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, epoch: Epoch, mut stopped: oneshot::Receiver<Duration>) {
        let mut jobs = JoinSet::new();
        let mut is_ready = false;
        let farewell = loop {
            let round = async {
                if !is_ready {
                    self.prepare(epoch).await?;
                    is_ready = true;
                }
                self.begin_due(epoch, &mut jobs).await
            };
            let wait = match round.await {
                Ok(wait) => wait,
                Err(StoreError::Conflict(_)) => return,
                Err(error) => {
                    tracing::warn!(%error, "background jobs cannot be begun at the moment");
                    // Some may have been begun without our hearing of it.
                    is_ready = false;
                    TRY_AGAIN
                }
            };
            tokio::select! {
                farewell = &mut stopped => break farewell.unwrap_or_default(),
                () = self.store.background_jobs_wanted() => {}
                Some(_) = jobs.join_next() => {}
                () = sleep(wait) => {}
            }
        };
        let ended = async { while jobs.join_next().await.is_some() {} };
        // Those that are left are begun anew.
        drop(timeout(farewell, ended).await);
        jobs.shutdown().await;
        if let Err(error) = self.store.give_back_background_jobs(epoch).await {
            tracing::debug!(%error, "background jobs were not given back; the next leader takes them up");
        }
    }

    /// Takes up what earlier leaders have left, and sees to it that there is a job of each kind that recurs.
    async fn prepare(&self, epoch: Epoch) -> Result<(), StoreError> {
        let now = (self.clock)();
        let running: Vec<BackgroundJobId> = self.running().keys().copied().collect();
        let taken_up = self.store.take_up_background_jobs(epoch, &running, now).await?;
        if taken_up > 0 {
            tracing::info!(
                taken_up,
                "background jobs that nobody runs any more are begun anew"
            );
        }
        for work in self.works.values() {
            let kind = work.kind();
            if kind.recurrence.is_some() {
                self.store.ensure_background_job(kind.name, now).await?;
            }
        }
        Ok(())
    }

    /// Begins the jobs that are due and have room; gives how long nothing else is.
    async fn begin_due(
        self: &Arc<Self>,
        epoch: Epoch,
        jobs: &mut JoinSet<()>,
    ) -> Result<Duration, StoreError> {
        let free = self.free();
        if free.is_empty() {
            return Ok(LOOK);
        }
        let begun = self
            .store
            .begin_background_jobs(epoch, &free, (self.clock)())
            .await?;
        for job in begun {
            // Only kinds that are there are asked for.
            let Some((kind, work)) = self.works.get_key_value(job.kind.as_str()) else {
                continue;
            };
            let (inner, work, id) = (Arc::clone(self), Arc::clone(work), job.id);
            // Held until the job is among those that run, so that it cannot take itself out before.
            let mut running = self.running();
            let abort = jobs.spawn(async move { inner.work(epoch, work.as_ref(), job).await });
            running.insert(id, RunningJob { kind, epoch, abort });
        }
        let free = self.free();
        let kinds: Vec<&str> = free.iter().map(|(kind, _)| *kind).collect();
        let next = self.store.next_background_job(&kinds).await?;
        let until = next.map(|next| next.duration_since((self.clock)()));
        let until = until.map(|until| Duration::try_from(until).unwrap_or_default());
        Ok(until.unwrap_or(LOOK).min(LOOK))
    }

    /// How many more of each kind may run.
    fn free(&self) -> Vec<(&'static str, usize)> {
        let running = self.running();
        let free = self.works.iter().map(|(name, work)| {
            let running = running.values().filter(|job| job.kind == *name).count();
            (*name, work.kind().concurrency.saturating_sub(running))
        });
        free.filter(|(_, free)| *free > 0).collect()
    }

    /// Does one job and takes down how it ended.
    async fn work(&self, epoch: Epoch, work: &dyn BackgroundWork, job: BegunJob) {
        let _running = TakenOut(self, job.id, epoch);
        let kind = work.kind();
        let begun = Instant::now();
        let lag = (self.clock)().duration_since(job.run_at);
        self.figures
            .begun(kind.name, Duration::try_from(lag).unwrap_or_default());
        let result = match kind.retry.attempts {
            Some(limit) if job.attempts > limit => Err(JobFailure::Lasting(format!(
                "It was begun {} times, and each time the server ended.",
                job.attempts - 1
            ))),
            _ => do_within_limit(&kind, work, &job).await,
        };
        let now = (self.clock)();
        let (end, ended) = end_of(&kind, &job, &result, now);
        self.figures.ended(kind.name, ended, begun.elapsed());
        if let Err(failure) = &result {
            let error = failure.message();
            tracing::warn!(
                kind = kind.name,
                key = job.key,
                attempts = job.attempts,
                error,
                "a background job failed"
            );
        }
        // What it has done must not be done again only because the database was away for a moment.
        while let Err(error) = self.store.end_background_job(epoch, &job, end, now).await {
            tracing::warn!(kind = kind.name, %error, "the end of a background job cannot be taken down at the moment");
            sleep(TRY_AGAIN).await;
        }
    }
}

/// Takes a job out of those that run, however it ends.
struct TakenOut<'a>(&'a Inner, BackgroundJobId, Epoch);

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        let Self(inner, id, epoch) = *self;
        let mut running = inner.running();
        if running.get(&id).is_some_and(|job| job.epoch == epoch) {
            running.remove(&id);
        }
    }
}

async fn do_within_limit(
    kind: &BackgroundKind,
    work: &dyn BackgroundWork,
    job: &BegunJob,
) -> Result<NextRun, JobFailure> {
    let run = AssertUnwindSafe(work.run(job)).catch_unwind();
    match timeout(kind.time_limit, run).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(JobFailure::passing("It broke; the server's log says where.")),
        Err(_) => Err(JobFailure::Passing(format!(
            "It took longer than {} s and was ended.",
            kind.time_limit.as_secs()
        ))),
    }
}

/// What becomes of a job. One that recurs never waits for a person: its next time comes by itself.
fn end_of<'a>(
    kind: &BackgroundKind,
    job: &BegunJob,
    result: &'a Result<NextRun, JobFailure>,
    now: Timestamp,
) -> (BackgroundJobEnd<'a>, RunEnd) {
    let recurs = kind
        .recurrence
        .as_ref()
        .and_then(|recurrence| recurrence.next(now));
    match result {
        Ok(NextRun::Again(at)) => (BackgroundJobEnd::Again(*at), RunEnd::Success),
        Ok(NextRun::Done) => {
            let end = recurs.map_or(BackgroundJobEnd::Done, BackgroundJobEnd::Again);
            (end, RunEnd::Success)
        }
        Err(failure) => {
            let wait = kind.retry.wait(failure, job.attempts, job.id.0);
            let message = failure.message();
            match wait.map(|wait| now + wait).or(recurs) {
                Some(at) => (BackgroundJobEnd::Failed(message, at), RunEnd::Failed),
                None => (BackgroundJobEnd::Dead(message), RunEnd::Dead),
            }
        }
    }
}
