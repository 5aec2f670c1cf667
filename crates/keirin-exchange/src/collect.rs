//! Everything that this server fetches by itself: targets that are scraped, and databases that are asked.

use std::sync::Arc;

use keirin_formats::refusal::IntakePath;
use keirin_http::Endpoint;
use keirin_model::Clock;
use keirin_series::storage::Intake;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::scrape::{ScrapeTarget, Scraper, TargetError, TargetStatus};
use crate::sql::{SqlCollector, SqlDatabase, SqlFile, SqlStatus};

/// A database with the queries that it is asked.
#[derive(Debug, Clone)]
pub struct SqlJob {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub database: SqlDatabase,
    /// What it is asked.
    pub file: SqlFile,
}

/// Collects while it is told to: one server of several does.
pub struct Collectors {
    clock: Clock,
    intake: Intake,
    targets: Vec<ScrapeTarget>,
    databases: Vec<SqlJob>,
    running: Mutex<Option<Running>>,
}

struct Running {
    scraper: Scraper,
    databases: Vec<(String, Arc<SqlCollector>)>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// A query of a database and how it does.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlJobStatus {
    /// What the database is called.
    pub job: String,
    /// The query.
    pub status: SqlStatus,
}

impl Collectors {
    /// Collectors that rest.
    pub fn new(clock: Clock, intake: Intake, targets: Vec<ScrapeTarget>, databases: Vec<SqlJob>) -> Self {
        Self {
            clock,
            intake,
            targets,
            databases,
            running: Mutex::new(None),
        }
    }

    /// Collects from now on; does nothing where it does already.
    ///
    /// # Errors
    /// Two targets have one name.
    pub async fn start(&self) -> Result<(), TargetError> {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Ok(());
        }
        let mut scraper = Scraper::new(self.clock.clone(), self.intake.by(IntakePath::Scrape).shared());
        scraper.set_targets(self.targets.clone()).await?;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let databases: Vec<_> = self
            .databases
            .iter()
            .map(|job| {
                let sink = self.intake.by(IntakePath::Sql).shared();
                let (database, file) = (job.database.clone(), job.file.clone());
                let collector = SqlCollector::new(self.clock.clone(), sink, database, file);
                (job.name.clone(), Arc::new(collector))
            })
            .collect();
        for (_, collector) in &databases {
            tasks.spawn(collector.clone().run(stop.clone()));
        }
        *running = Some(Running {
            scraper,
            databases,
            stop,
            tasks,
        });
        Ok(())
    }

    /// Rests; does nothing where it does already.
    pub async fn stop(&self) {
        let running = self.running.lock().await.take();
        if let Some(mut running) = running {
            running.stop.cancel();
            running.scraper.stop().await;
            while running.tasks.join_next().await.is_some() {}
        }
    }

    /// Every target and how it does; all unknown while this server rests.
    pub async fn targets(&self) -> Vec<TargetStatus> {
        match &*self.running.lock().await {
            Some(running) => running.scraper.statuses(),
            None => self.targets.iter().map(TargetStatus::unknown).collect(),
        }
    }

    /// Every target by its name.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (&str, &Endpoint)> {
        self.targets
            .iter()
            .map(|target| (target.name(), &target.endpoint))
    }

    /// Every query of every database and how it does; none while this server rests.
    pub async fn queries(&self) -> Vec<SqlJobStatus> {
        let running = self.running.lock().await;
        let databases = running.iter().flat_map(|running| &running.databases);
        databases
            .flat_map(|(job, collector)| {
                collector.statuses().into_iter().map(|status| SqlJobStatus {
                    job: job.clone(),
                    status,
                })
            })
            .collect()
    }
}
