//! Full recomputations: a new fact of a project or repository makes its samples of a transform anew, from the first day on that
//! the fact can change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keirin_insight::{Bucket, Tally, Transform, recomputed, transform};
use keirin_model::RepositoryId;
use keirin_model::facts::git::{Repository, Tag};
use keirin_store::facts::FactBatch;
use keirin_store::series::ReaderPosition;
use keirin_store::{Position, Result as StoreResult, Store};

use super::{PAGE, TransformProgress, Transforms, overtaken};
use crate::storage::StorageError;

/// Makes anew what new facts have changed, and carries levels on to this day. Gives how far it came.
pub(super) async fn all(transforms: &Transforms, now: Timestamp) -> Result<TransformProgress, StorageError> {
    let store = transforms.store();
    let mut commits = News::of_commits(transforms, &transform::CONTRIBUTORS).await?;
    let releases = |from| store.releases_after(from, PAGE);
    let releases = News::read(transforms, &transform::RELEASE_LEAD_TIME, releases, |fact| {
        // From the beginning: the commits of an earlier one may have come after it, and there are few releases.
        Some((fact.repository, Timestamp::MIN))
    })
    .await?;
    let runs = |from| store.run_facts_after(from, PAGE);
    let runs = News::read(transforms, &transform::DEPLOYMENTS, runs, |fact| {
        let is_deployment = fact.environment.is_some();
        is_deployment.then(|| (fact.place.project.clone(), fact.finished_at))
    })
    .await?;
    let deployed = News::of_deployed_commits(transforms).await?;
    // Once the facts are read: a repository is there before its facts, and one that is made between the two looks must not be
    // taken for one that is gone, because its facts are never read again.
    let repositories: BTreeMap<_, _> = store
        .repositories()
        .await?
        .into_iter()
        .map(|repository| (repository.id, repository))
        .collect();

    let mut progress = commits.progress;
    progress += releases.progress;
    progress += runs.progress;
    // Levels stand still while nothing happens, and still have to be said for each day.
    let carried = commits.carry_to(day_of(now));
    let mut made = Vec::new();
    for (id, repository) in &repositories {
        let since = commits.since.get(id).copied().into_iter().chain(carried).min();
        if let Some(since_ms) = since {
            let tally = contributors(store, repository, now).await?;
            made.push(Made::new(&repository.name, since_ms, tally));
        }
    }
    commits.replace(transforms, made).await?;

    let mut made = Vec::new();
    for (id, since_ms) in &releases.since {
        if let Some(repository) = repositories.get(id) {
            let tally = release_lead_time(store, repository).await?;
            made.push(Made::new(&repository.name, *since_ms, tally));
        }
    }
    releases.replace(transforms, made).await?;

    let made = deployments(store, &runs.since).await?;
    runs.replace(transforms, made).await?;
    let made = deployments(store, &deployed.since).await?;
    let of = &transform::DEPLOYMENTS;
    deployed.replace_samples_of(transforms, of, made).await?;
    Ok(progress)
}

fn day_of(now: Timestamp) -> i32 {
    let day = now.as_millisecond().div_euclid(Bucket::Day.milliseconds());
    i32::try_from(day).expect("a time has few days")
}

/// The samples of one project or repository, to be put in place of those from a time on.
struct Made {
    owner: String,
    since_ms: i64,
    tally: Tally,
}

impl Made {
    fn new(owner: &str, since_ms: i64, tally: Tally) -> Self {
        Self {
            owner: owner.to_owned(),
            since_ms,
            tally,
        }
    }
}

async fn contributors(store: &Store, repository: &Repository, now: Timestamp) -> Result<Tally, StorageError> {
    let days = store.author_days(repository.id).await?;
    let mut tally = Tally::default();
    recomputed::contributors::recompute(&repository.name, &days, now, &mut tally);
    Ok(tally)
}

async fn release_lead_time(store: &Store, repository: &Repository) -> Result<Tally, StorageError> {
    let commits = store.commit_graph(repository.id).await?;
    let releases: Vec<Tag> = store.releases_of(repository.id).await?;
    let mut tally = Tally::default();
    recomputed::releases::recompute(&repository.name, &commits, &releases, &mut tally);
    Ok(tally)
}

async fn deployments(store: &Store, projects: &BTreeMap<String, i64>) -> Result<Vec<Made>, StorageError> {
    let mut made = Vec::new();
    for (project, since_ms) in projects {
        let mut tally = Tally::default();
        recomputed::deployments::recompute(&store.deployments(project).await?, &mut tally);
        made.push(Made::new(project, *since_ms, tally));
    }
    Ok(made)
}

/// What is new in a stream of facts: where it was read to, and from when on whose samples change.
struct News<Owner> {
    transform: &'static Transform,
    at: Option<ReaderPosition>,
    /// Everything is made anew: it never was, or the definitions have changed.
    is_anew: bool,
    to: Position,
    carried_day: Option<i32>,
    moved: bool,
    progress: TransformProgress,
    /// In milliseconds since 1970.
    since: BTreeMap<Owner, i64>,
}

impl<Owner: Ord> News<Owner> {
    /// Nothing yet, from where the transform stands; from the start where its definitions have changed.
    async fn begin(transforms: &Transforms, transform: &'static Transform) -> Result<Self, StorageError> {
        let at = transforms.store().position(transform.name).await?;
        let current = at.filter(|at| at.version == transform.version);
        Ok(Self {
            transform,
            at,
            is_anew: current.is_none(),
            to: current.map_or(Position::START, |at| at.position),
            carried_day: current.and_then(|at| at.carried_day),
            moved: current.is_none(),
            progress: TransformProgress::default(),
            since: BTreeMap::new(),
        })
    }

    /// Reads all facts that are new. `owner` says whose a fact is and when it happened, where it matters.
    async fn read<Fact, Pages>(
        transforms: &Transforms,
        transform: &'static Transform,
        read: impl Fn(Position) -> Pages,
        owner: impl Fn(&Fact) -> Option<(Owner, Timestamp)>,
    ) -> Result<Self, StorageError>
    where
        Pages: Future<Output = StoreResult<FactBatch<Fact>>>,
    {
        let mut news = Self::begin(transforms, transform).await?;
        loop {
            let FactBatch {
                facts: page,
                unsettled,
            } = read(news.to).await?;
            news.progress.is_held_back = unsettled;
            let Some((position, _)) = page.last() else {
                return Ok(news);
            };
            (news.to, news.moved) = (*position, true);
            news.progress.facts += page.len() as u64;
            for (owner, at) in page.iter().filter_map(|(_, fact)| owner(fact)) {
                news.changes(owner, at);
            }
        }
    }

    /// Something has happened at this time: nothing of the days before it changes.
    fn changes(&mut self, owner: Owner, at: Timestamp) {
        let day = match self.is_anew {
            true => i64::MIN,
            false => Bucket::Day.start_of(at.as_millisecond()),
        };
        let since = self.since.entry(owner).or_insert(day);
        *since = day.min(*since);
    }

    /// Has levels said up to and with this day. Gives from when on they have not been said yet, in milliseconds since 1970;
    /// none where they all have.
    fn carry_to(&mut self, day: i32) -> Option<i64> {
        let carried = self.carried_day.replace(day);
        (carried != Some(day)).then(|| {
            carried.map_or(i64::MIN, |carried| {
                i64::from(carried.min(day)) * Bucket::Day.milliseconds()
            })
        })
    }

    async fn replace(self, transforms: &Transforms, made: Vec<Made>) -> Result<(), StorageError> {
        let of = self.transform;
        self.replace_samples_of(transforms, of, made).await
    }

    /// Puts new samples in place of those that these projects or repositories have had of this transform, and moves the own
    /// one on.
    async fn replace_samples_of(
        self,
        transforms: &Transforms,
        of: &'static Transform,
        made: Vec<Made>,
    ) -> Result<(), StorageError> {
        if !self.moved && made.is_empty() {
            return Ok(());
        }
        let mut writing = transforms.storage.begin().await?;
        let to = ReaderPosition {
            version: self.transform.version,
            position: self.to,
            carried_day: self.carried_day,
        };
        let moved = writing
            .transaction()
            .move_position(self.transform.name, self.at, to)
            .await?;
        if !moved {
            return Err(overtaken(self.transform.name));
        }
        if self.is_anew && self.at.is_some() && of == self.transform {
            // Also of those that have no facts any more.
            writing.remove(of.name, None, i64::MIN).await?;
        }
        for Made {
            owner,
            since_ms,
            tally,
        } in made
        {
            let label = of.recomputed_by.map(|label| (label, owner.as_str()));
            writing.remove(of.name, label, since_ms).await?;
            let mut increments = tally.into_increments();
            for increment in &mut increments {
                increment.buckets.retain(|(start_ms, _)| *start_ms >= since_ms);
            }
            increments.retain(|increment| !increment.buckets.is_empty());
            transforms.add(&mut writing, of.name, &increments).await?;
        }
        writing.commit().await
    }
}

impl News<RepositoryId> {
    /// Looks where there are new commits, without reading them.
    async fn of_commits(
        transforms: &Transforms,
        transform: &'static Transform,
    ) -> Result<Self, StorageError> {
        let mut news = Self::begin(transforms, transform).await?;
        let commits = transforms.store().commit_news(news.to).await?;
        news.progress.is_held_back = commits.unsettled;
        if let Some(until) = commits.until {
            (news.to, news.moved) = (until, true);
        }
        for new in commits.repositories {
            news.progress.facts += new.count;
            news.changes(new.repository, new.oldest_at);
        }
        Ok(news)
    }
}

impl News<String> {
    /// Looks which projects have deployed commits that are new.
    async fn of_deployed_commits(transforms: &Transforms) -> Result<Self, StorageError> {
        let mut news = Self::begin(transforms, &transform::DEPLOYED_COMMITS).await?;
        let commits = transforms.store().commit_news(news.to).await?;
        news.progress.is_held_back = commits.unsettled;
        if news.is_anew {
            // Commits may be gone too, and nobody knows any more which.
            let projects = transforms.store().projects_with_deployments().await?;
            news.since
                .extend(projects.into_iter().map(|project| (project, i64::MIN)));
        }
        let Some(until) = commits.until else {
            return Ok(news);
        };
        let deployments = transforms.store().deployments_of_commits(news.to, until).await?;
        (news.to, news.moved) = (until, true);
        for (project, first_at) in deployments {
            news.changes(project, first_at);
        }
        Ok(news)
    }
}
