//! Counting: each fact adds to some buckets.

use keirin_insight::{Tally, counts};
use keirin_store::Result as StoreResult;
use keirin_store::engine::Position;
use keirin_store::facts::FactPage;

use super::{PAGE, Transforms, overtaken};
use crate::storage::StorageError;

/// Takes in what is new in every stream of facts. Gives how many facts.
pub(super) async fn all(transforms: &Transforms) -> Result<u64, StorageError> {
    let store = transforms.store();
    let mut facts = 0;
    facts += follow(
        transforms,
        &FLOWS,
        |from| store.flow_facts_after(from, PAGE),
        counts::flows::count,
    )
    .await?;
    facts += follow(
        transforms,
        &RUNS,
        |from| store.run_facts_after(from, PAGE),
        counts::runs::count,
    )
    .await?;
    facts += follow(
        transforms,
        &JOBS,
        |from| store.job_facts_after(from, PAGE),
        counts::jobs::count,
    )
    .await?;
    let attempts = |from| store.attempt_facts_after(from, PAGE);
    facts += follow(transforms, &ATTEMPTS, attempts, counts::attempts::count).await?;
    Ok(facts)
}

/// A transform that counts: its name, and the version of its definitions. A changed definition has a new version, and
/// what was counted by the old one is counted anew.
pub(super) struct Counting {
    name: &'static str,
    version: i32,
}

const FLOWS: Counting = Counting {
    name: "flows",
    version: 1,
};
const RUNS: Counting = Counting {
    name: "runs",
    version: 1,
};
const JOBS: Counting = Counting {
    name: "jobs",
    version: 1,
};
const ATTEMPTS: Counting = Counting {
    name: "attempts",
    version: 1,
};

/// The names of all transforms that count.
pub(super) const NAMES: &[&str] = &[FLOWS.name, RUNS.name, JOBS.name, ATTEMPTS.name];

/// Takes in the facts of one stream, page by page, each page with the position after it in one transaction.
async fn follow<Fact, Pages>(
    transforms: &Transforms,
    counting: &Counting,
    read: impl Fn(Position) -> Pages,
    count: impl Fn(&Fact, &mut Tally),
) -> Result<u64, StorageError>
where
    Pages: Future<Output = StoreResult<FactPage<Fact>>>,
{
    let mut facts = 0;
    loop {
        let stored = transforms.store().position(counting.name).await?;
        let at = stored.map(|(version, position, _)| (version, position));
        let current = at.filter(|(version, _)| *version == counting.version);
        let from = current.map_or(Position::START, |(_, position)| position);
        let page = read(from).await?;
        if page.facts.is_empty() && (current.is_some() || at.is_none()) {
            return Ok(facts);
        }
        let mut tally = Tally::default();
        for fact in &page.facts {
            count(fact, &mut tally);
        }
        let mut writing = transforms.storage.begin().await?;
        let moved = writing
            .transaction()
            .move_position(counting.name, at, counting.version, page.position)
            .await?;
        if !moved {
            return Err(overtaken(counting.name));
        }
        if at.is_some() && current.is_none() {
            writing
                .transaction()
                .remove_samples(counting.name, None, i64::MIN)
                .await?;
        }
        transforms.add(&mut writing, counting.name, tally).await?;
        writing.commit().await?;
        facts += page.facts.len() as u64;
    }
}
