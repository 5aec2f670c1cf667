//! A server with work that does what a test says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use keirin_background::{
    BackgroundJobs, BackgroundKind, BackgroundWork, JobFailure, NextRun, Recurrence, RetrySchedule,
    RunningJobs,
};
use keirin_model::Clock;
use keirin_model::background::BackgroundJobState;
use keirin_store::Store;
use keirin_store::background_jobs::{BackgroundJob, BackgroundJobFilter, BegunJob, NewBackgroundJob};
use keirin_store::engine::{Epoch, LeaderLease};
use keirin_testkit::{FakeClock, TestDatabase, database};
use tokio::sync::{Mutex, mpsc};

/// Work that is asked for.
pub(crate) const KIND: BackgroundKind = BackgroundKind {
    name: "read",
    title: "Read something",
    concurrency: 2,
    time_limit: Duration::from_secs(3600),
    retry: RetrySchedule {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(600),
        attempts: Some(3),
    },
    recurrence: None,
    is_cancellable: true,
};

/// Work that recurs.
pub(crate) const RECURRING: BackgroundKind = BackgroundKind {
    name: "sweep",
    title: "Sweep something",
    recurrence: Some(Recurrence::After(SignedDuration::from_mins(10))),
    ..KIND
};

/// A term that no test outlasts.
const TERM: Duration = Duration::from_secs(3600);

/// What a job is to do.
pub(crate) enum Answer {
    Well(NextRun),
    Failed(&'static str),
    Lasting(&'static str),
    Breaks,
}

/// Does what it is told, when it is told.
struct Scripted {
    kind: BackgroundKind,
    begun: mpsc::UnboundedSender<(&'static str, String, u32)>,
    answers: Mutex<mpsc::UnboundedReceiver<Answer>>,
    dropped: mpsc::UnboundedSender<()>,
}

struct TellsWhenDropped(mpsc::UnboundedSender<()>);

impl Drop for TellsWhenDropped {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}

#[async_trait]
impl BackgroundWork for Scripted {
    fn kind(&self) -> BackgroundKind {
        self.kind.clone()
    }

    async fn run(&self, job: &BegunJob) -> Result<NextRun, JobFailure> {
        let _dropped = TellsWhenDropped(self.dropped.clone());
        self.begun
            .send((self.kind.name, job.key.clone(), job.attempts))
            .unwrap();
        let answer = self.answers.lock().await.recv().await.unwrap();
        match answer {
            Answer::Well(next) => Ok(next),
            Answer::Failed(error) => Err(JobFailure::passing(error)),
            Answer::Lasting(error) => Err(JobFailure::Lasting(error.to_owned())),
            Answer::Breaks => panic!("as the test says"),
        }
    }
}

/// How a test drives one kind.
struct Driver {
    answers: mpsc::UnboundedSender<Answer>,
    dropped: Mutex<mpsc::UnboundedReceiver<()>>,
}

/// A server's background jobs, a database of its own and a clock.
pub(crate) struct Bench {
    pub(crate) jobs: BackgroundJobs,
    pub(crate) clock: FakeClock,
    pub(crate) store: Store,
    running: Option<RunningJobs>,
    begun: Mutex<mpsc::UnboundedReceiver<(&'static str, String, u32)>>,
    drivers: HashMap<&'static str, Driver>,
    _database: TestDatabase,
}

impl Bench {
    /// A server that leads and knows these kinds.
    pub(crate) async fn start(kinds: Vec<BackgroundKind>) -> Self {
        let database = database().await;
        let clock = FakeClock::default();
        let (begun_sender, begun) = mpsc::unbounded_channel();
        let mut drivers = HashMap::new();
        let mut works: Vec<Arc<dyn BackgroundWork>> = Vec::new();
        for kind in kinds {
            let (answers, of_answers) = mpsc::unbounded_channel();
            let (tell_dropped, dropped) = mpsc::unbounded_channel();
            let dropped = Mutex::new(dropped);
            drivers.insert(kind.name, Driver { answers, dropped });
            works.push(Arc::new(Scripted {
                kind,
                begun: begun_sender.clone(),
                answers: Mutex::new(of_answers),
                dropped: tell_dropped,
            }));
        }
        let shown = clock.clone();
        let now: Clock = Arc::new(move || shown.now());
        let store = database.store();
        let mut bench = Self {
            jobs: BackgroundJobs::new(store.clone(), now, works),
            clock,
            store,
            running: None,
            begun: Mutex::new(begun),
            drivers,
            _database: database,
        };
        bench.lead_again().await;
        bench
    }

    /// Leads as the next server would.
    pub(crate) async fn lead_again(&mut self) {
        self.deposed().await;
        let lease = self.store.try_lead("this", TERM).await.unwrap().unwrap();
        self.running = Some(self.jobs.start(lease.epoch));
    }

    /// Another server has led meanwhile. Gives the epoch in which this one did.
    pub(crate) async fn deposed(&self) -> Option<Epoch> {
        let epoch = self.store.leader().await.unwrap()?.epoch;
        self.store.release(&LeaderLease { epoch }).await.unwrap();
        Some(epoch)
    }

    /// Ends without a word to the database, while a job runs.
    pub(crate) async fn kill(&mut self) {
        drop(self.running.take());
        self.dropped(KIND.name).await;
    }

    /// Ends in order, without waiting for the job that runs.
    pub(crate) async fn stop(&mut self) {
        self.stop_idle().await;
        self.dropped(KIND.name).await;
    }

    /// Ends in order where no job runs.
    pub(crate) async fn stop_idle(&mut self) {
        self.running.take().unwrap().stop(Duration::ZERO).await;
    }

    pub(crate) fn answer(&self, kind: &str, answer: Answer) {
        assert!(self.drivers[kind].answers.send(answer).is_ok());
    }

    pub(crate) async fn enqueue(&self, kind: &str, key: &str) {
        self.enqueue_in(kind, key, SignedDuration::ZERO).await;
    }

    pub(crate) async fn enqueue_in(&self, kind: &str, key: &str, wait: SignedDuration) {
        let job = NewBackgroundJob {
            run_at: Some(self.clock.now() + wait),
            ..NewBackgroundJob::new(kind, key)
        };
        self.store.enqueue_background_job(job).await.unwrap();
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.store.wake_background_jobs();
    }

    /// The kind and the key of the next job that begins, and how often it has been begun.
    pub(crate) async fn begun(&self) -> (&'static str, String, u32) {
        self.begun.lock().await.recv().await.unwrap()
    }

    /// Waits until the work of a job has ended in whatever way.
    pub(crate) async fn dropped(&self, kind: &str) {
        self.drivers[kind].dropped.lock().await.recv().await.unwrap();
    }

    pub(crate) async fn listed(&self) -> Vec<BackgroundJob> {
        let filter = BackgroundJobFilter {
            limit: 100,
            ..BackgroundJobFilter::default()
        };
        self.store.background_jobs(filter).await.unwrap()
    }

    /// The first job that has failed too often, once there is one.
    pub(crate) async fn dead(&self) -> BackgroundJob {
        loop {
            let mut jobs = self.listed().await.into_iter();
            if let Some(dead) = jobs.find(|job| job.state == BackgroundJobState::Dead) {
                return dead;
            }
        }
    }

    /// The jobs that there are once none runs.
    pub(crate) async fn settled(&self) -> Vec<BackgroundJob> {
        loop {
            let jobs = self.listed().await;
            if jobs.iter().all(|job| job.state != BackgroundJobState::Running) {
                return jobs;
            }
        }
    }
}
