//! Aggregation: each fact adds to some buckets.

use std::collections::HashMap;
use std::sync::Arc;

use keirin_insight::{Tally, Transform, incremental, transform};
use keirin_model::RepositoryId;
use keirin_store::facts::FactBatch;
use keirin_store::series::ReaderPosition;
use keirin_store::{Position, Result as StoreResult, Store};

use super::{PAGE, TransformProgress, Transforms, overtaken};
use crate::storage::StorageError;

/// Takes in what is new in every stream of facts. Gives how far it came.
pub(super) async fn all(transforms: &Transforms) -> Result<TransformProgress, StorageError> {
    let mut progress = work(transforms).await?;
    progress += history(transforms).await?;
    Ok(progress)
}

async fn work(transforms: &Transforms) -> Result<TransformProgress, StorageError> {
    let store = transforms.store();
    let mut progress = TransformProgress::default();
    let flows = |from| store.flow_facts_after(from, PAGE);
    progress += follow(transforms, &transform::FLOWS, flows, incremental::flows::count).await?;
    let runs = |from| store.run_facts_after(from, PAGE);
    progress += follow(transforms, &transform::RUNS, runs, incremental::runs::count).await?;
    let jobs = |from| store.job_facts_after(from, PAGE);
    progress += follow(transforms, &transform::JOBS, jobs, incremental::jobs::count).await?;
    let attempts = |from| store.attempt_facts_after(from, PAGE);
    progress += follow(
        transforms,
        &transform::ATTEMPTS,
        attempts,
        incremental::attempts::count,
    )
    .await?;
    Ok(progress)
}

async fn history(transforms: &Transforms) -> Result<TransformProgress, StorageError> {
    let store = transforms.store();
    let mut progress = TransformProgress::default();
    let commits = |from| async move {
        let page = store.commits_after(from, PAGE).await?;
        named(store, page, |commit| commit.repository).await
    };
    progress += follow(
        transforms,
        &transform::COMMITS,
        commits,
        of_named(incremental::commits::count),
    )
    .await?;
    let pull_requests = |from| async move {
        let page = store.pull_requests_after(from, PAGE).await?;
        named(store, page, |pull_request| pull_request.repository).await
    };
    let count = of_named(incremental::pull_requests::count);
    progress += follow(transforms, &transform::PULL_REQUESTS, pull_requests, count).await?;
    let releases = |from| async move {
        let page = store.releases_after(from, PAGE).await?;
        named(store, page, |release| release.repository).await
    };
    progress += follow(
        transforms,
        &transform::RELEASES,
        releases,
        of_named(incremental::releases::count),
    )
    .await?;
    Ok(progress)
}

/// A fact with the name of its repository; without one where that is not there any more.
type Named<Fact> = (Option<Arc<str>>, Fact);

/// Looks up whose the facts are, once they are read: a repository is there before its facts, and one that is made between the
/// two looks must not be taken for one that is gone, because its facts are never read again.
async fn named<Fact>(
    store: &Store,
    page: FactBatch<Fact>,
    repository: impl Fn(&Fact) -> RepositoryId,
) -> StoreResult<FactBatch<Named<Fact>>> {
    let FactBatch { facts, unsettled } = page;
    let mut names: HashMap<RepositoryId, Arc<str>> = HashMap::new();
    if !facts.is_empty() {
        let known = store.repositories().await?.into_iter();
        names.extend(known.map(|repository| (repository.id, repository.name.into())));
    }
    let named = facts.into_iter().map(|(position, fact)| {
        let name = names.get(&repository(&fact)).cloned();
        (position, (name, fact))
    });
    Ok(FactBatch {
        facts: named.collect(),
        unsettled,
    })
}

/// Counts for the repository of a fact. One that is not there any more was removed with its facts, so there is nothing to
/// count for it.
fn of_named<Fact>(count: impl Fn(&str, &Fact, &mut Tally)) -> impl Fn(&Named<Fact>, &mut Tally) {
    move |(name, fact), tally| {
        if let Some(name) = name {
            count(name, fact, tally);
        }
    }
}

/// Takes in the facts of one stream, page by page, each page with the position after it in one transaction.
async fn follow<Fact, Pages>(
    transforms: &Transforms,
    transform: &Transform,
    read: impl Fn(Position) -> Pages,
    count: impl Fn(&Fact, &mut Tally),
) -> Result<TransformProgress, StorageError>
where
    Pages: Future<Output = StoreResult<FactBatch<Fact>>>,
{
    let (mut progress, mut again) = (TransformProgress::default(), false);
    loop {
        let at = transforms.store().position(transform.name).await?;
        let current = at.filter(|at| at.version == transform.version);
        let from = current.map_or(Position::START, |at| at.position);
        let FactBatch {
            facts: page,
            unsettled,
        } = read(from).await?;
        progress.is_held_back = unsettled;
        let anew = at.is_some() && current.is_none();
        again |= anew;
        if page.is_empty() && !anew {
            return Ok(progress);
        }
        let mut tally = Tally::default();
        for (_, fact) in &page {
            count(fact, &mut tally);
        }
        let to = ReaderPosition {
            version: transform.version,
            position: page.last().map_or(from, |(position, _)| *position),
            carried_day: None,
        };
        let mut writing = transforms.storage.begin().await?;
        let moved = writing
            .transaction()
            .move_position(transform.name, at, to)
            .await?;
        if !moved {
            return Err(overtaken(transform.name));
        }
        if anew {
            writing.remove(transform.name, None, i64::MIN).await?;
        }
        let increments = tally.into_increments();
        transforms.add(&mut writing, transform.name, &increments).await?;
        writing.commit().await?;
        // What is counted anew was counted before.
        if !again {
            transforms.since_start.add(&increments);
        }
        progress.facts += page.len() as u64;
        // What has come in meanwhile waits for the next time: on a busy machine there is always something.
        if page.len() < PAGE as usize {
            return Ok(progress);
        }
    }
}
