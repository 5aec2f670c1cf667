//! Full recomputations: a new fact of a project or repository makes all its samples of a transform anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keirin_insight::{Bucket, Tally, recomputed};
use keirin_model::RepositoryId;
use keirin_model::facts::git::{Repository, Tag};
use keirin_store::facts::FactBatch;
use keirin_store::{Position, Result as StoreResult};

use super::{PAGE, TransformProgress, Transforms, overtaken};
use crate::storage::StorageError;

/// A transform that recomputes: its name, the label that its samples are told apart by, and the version of its definitions.
struct Recomputation {
    name: &'static str,
    label: &'static str,
    version: i32,
}

const CONTRIBUTORS: Recomputation = Recomputation {
    name: "contributors",
    label: "repository",
    version: 2,
};
const RELEASE_LEAD_TIME: Recomputation = Recomputation {
    name: "release_lead_time",
    label: "repository",
    version: 2,
};
const DEPLOYMENTS: Recomputation = Recomputation {
    name: "deployments",
    label: "project",
    version: 1,
};
/// Follows commits for the sake of deployments, whose lead times they decide.
const DEPLOYED_COMMITS: Recomputation = Recomputation {
    name: "deployed_commits",
    label: "project",
    version: 2,
};

/// Makes anew what new facts have changed, and carries levels on to this day. Gives how far it came.
pub(super) async fn all(transforms: &Transforms, now: Timestamp) -> Result<TransformProgress, StorageError> {
    let store = transforms.store();
    let commits = News::of_commits(transforms, &CONTRIBUTORS).await?;
    let releases = |from| store.releases_after(from, PAGE);
    let releases = News::read(transforms, &RELEASE_LEAD_TIME, releases, |fact| {
        Some(fact.repository)
    })
    .await?;
    let runs = |from| store.run_facts_after(from, PAGE);
    let runs = News::read(transforms, &DEPLOYMENTS, runs, |fact| {
        fact.environment.as_ref().map(|_| fact.place.project.clone())
    })
    .await?;
    let deployed = News::of_commits(transforms, &DEPLOYED_COMMITS).await?;
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
    let today = now.as_millisecond().div_euclid(Bucket::Day.milliseconds());
    // Levels stand still while nothing happens, and still have to be said for each day.
    let carries = transforms.carried_to() != Some(today);
    let mut tallies = Vec::new();
    for repository in repositories.values() {
        if carries || commits.owners.contains(&repository.id) {
            tallies.push(contributors(transforms, repository, now).await?);
        }
    }
    commits.replace(transforms, &CONTRIBUTORS, tallies).await?;
    transforms.carry_to(today);

    let mut tallies = Vec::new();
    for repository in releases.owners.iter().filter_map(|id| repositories.get(id)) {
        tallies.push(release_lead_time(transforms, repository).await?);
    }
    releases.replace(transforms, &RELEASE_LEAD_TIME, tallies).await?;

    let tallies = deployments(transforms, &runs.owners).await?;
    runs.replace(transforms, &DEPLOYMENTS, tallies).await?;

    let changed = deployed.owners.iter().filter_map(|id| repositories.get(id));
    let of_projects = changed.filter(|repository| repository.project.is_some());
    let projects: BTreeSet<String> = of_projects.map(|repository| repository.name.clone()).collect();
    let tallies = deployments(transforms, &projects).await?;
    deployed
        .replace_samples_of(transforms, &DEPLOYED_COMMITS, &DEPLOYMENTS, tallies)
        .await?;
    Ok(progress)
}

/// The samples of one project or repository.
type Of = (String, Tally);

async fn contributors(
    transforms: &Transforms,
    repository: &Repository,
    now: Timestamp,
) -> Result<Of, StorageError> {
    let days = transforms.store().author_days(repository.id).await?;
    let mut tally = Tally::default();
    recomputed::contributors::recompute(&repository.name, &days, now, &mut tally);
    Ok((repository.name.clone(), tally))
}

async fn release_lead_time(transforms: &Transforms, repository: &Repository) -> Result<Of, StorageError> {
    let store = transforms.store();
    let commits = store.commit_graph(repository.id).await?;
    let releases: Vec<Tag> = store.releases_of(repository.id).await?;
    let mut tally = Tally::default();
    recomputed::releases::recompute(&repository.name, &commits, &releases, &mut tally);
    Ok((repository.name.clone(), tally))
}

async fn deployments(transforms: &Transforms, projects: &BTreeSet<String>) -> Result<Vec<Of>, StorageError> {
    let mut tallies = Vec::new();
    for project in projects {
        let mut tally = Tally::default();
        recomputed::deployments::recompute(&transforms.store().deployments(project).await?, &mut tally);
        tallies.push((project.clone(), tally));
    }
    Ok(tallies)
}

/// What is new in a stream of facts: where it was read to, and whom it concerns.
struct News<Owner> {
    at: Option<(i32, Position)>,
    to: Position,
    moved: bool,
    progress: TransformProgress,
    owners: BTreeSet<Owner>,
}

impl<Owner: Ord> News<Owner> {
    /// Nothing yet, from where the transform stands; from the start where its definitions have changed.
    async fn begin(transforms: &Transforms, recomputation: &Recomputation) -> Result<Self, StorageError> {
        let stored = transforms.store().position(recomputation.name).await?;
        let at = stored.map(|(version, position, _)| (version, position));
        let current = at.filter(|(version, _)| *version == recomputation.version);
        Ok(Self {
            at,
            to: current.map_or(Position::START, |(_, position)| position),
            moved: current.is_none(),
            progress: TransformProgress::default(),
            owners: BTreeSet::new(),
        })
    }

    /// Reads all facts that are new.
    async fn read<Fact, Pages>(
        transforms: &Transforms,
        recomputation: &Recomputation,
        read: impl Fn(Position) -> Pages,
        owner: impl Fn(&Fact) -> Option<Owner>,
    ) -> Result<Self, StorageError>
    where
        Pages: Future<Output = StoreResult<FactBatch<Fact>>>,
    {
        let mut news = Self::begin(transforms, recomputation).await?;
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
            news.owners
                .extend(page.iter().filter_map(|(_, fact)| owner(fact)));
        }
    }

    async fn replace(
        self,
        transforms: &Transforms,
        recomputation: &Recomputation,
        tallies: Vec<Of>,
    ) -> Result<(), StorageError> {
        self.replace_samples_of(transforms, recomputation, recomputation, tallies)
            .await
    }

    /// Puts new samples in place of all that these projects or repositories have had of the second transform, and moves
    /// the first one on.
    async fn replace_samples_of(
        self,
        transforms: &Transforms,
        recomputation: &Recomputation,
        made: &Recomputation,
        tallies: Vec<Of>,
    ) -> Result<(), StorageError> {
        if !self.moved && tallies.is_empty() {
            return Ok(());
        }
        let mut writing = transforms.storage.begin().await?;
        let moved = writing
            .transaction()
            .move_position(recomputation.name, self.at, recomputation.version, self.to)
            .await?;
        if !moved {
            return Err(overtaken(recomputation.name));
        }
        let is_anew = self
            .at
            .is_some_and(|(version, _)| version != recomputation.version);
        if is_anew && recomputation.name == made.name {
            // Also of those that have no facts any more.
            writing
                .transaction()
                .remove_samples(made.name, None, i64::MIN)
                .await?;
        }
        for (owner, tally) in tallies {
            let label = Some((made.label, owner.as_str()));
            writing
                .transaction()
                .remove_samples(made.name, label, i64::MIN)
                .await?;
            let increments = tally.into_increments();
            transforms.add(&mut writing, made.name, &increments).await?;
        }
        writing.commit().await
    }
}

impl News<RepositoryId> {
    /// Looks where there are new commits, without reading them.
    async fn of_commits(
        transforms: &Transforms,
        recomputation: &Recomputation,
    ) -> Result<Self, StorageError> {
        let mut news = Self::begin(transforms, recomputation).await?;
        let commits = transforms.store().commit_news(news.to).await?;
        news.progress.is_held_back = commits.unsettled;
        if let Some(until) = commits.until {
            (news.to, news.moved) = (until, true);
        }
        for (repository, count) in commits.repositories {
            news.progress.facts += count;
            news.owners.insert(repository);
        }
        Ok(news)
    }
}
