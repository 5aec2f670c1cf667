//! Taking back what a repository's history does not tell any more, so that figures agree with git.
//!
//! Facts are read in their order and counted once, so whoever has counted one that is taken back counts anew.

use keirin_insight::{FactOwner, FactStream, stream};
use keirin_model::RepositoryId;
use keirin_wire::api::FinishImport;
use sqlx::PgConnection;

use super::write::bytes;
use crate::Result;
use crate::facts::count_anew;
use crate::row::sanitize_nul;

/// Forgets what the heads of a rewritten history do not reach, and the tags that are not there.
pub(super) async fn forget(
    connection: &mut PgConnection,
    repository: RepositoryId,
    heads: &[Vec<u8>],
    end: &FinishImport,
) -> Result<()> {
    let mut forgotten = 0;
    if end.rewritten {
        forgotten += forget_unreached(connection, repository, heads).await?;
    }
    if let Some(tags) = &end.tags {
        let names: Vec<String> = tags
            .iter()
            .map(|tag| sanitize_nul(&tag.name).into_owned())
            .collect();
        let commits = tags
            .iter()
            .map(|tag| bytes(&tag.commit))
            .collect::<Result<Vec<_>>>()?;
        let gone = sqlx::query!(
            "delete from release_facts t where repository = $1
               and not exists (select 1 from unnest($2::text[], $3::bytea[]) as u (name, commit)
                               where u.name = t.name and u.commit = t.commit)",
            repository.0,
            &names,
            &commits,
        )
        .execute(&mut *connection)
        .await?;
        forgotten += gone.rows_affected();
    }
    if forgotten == 0 {
        return Ok(());
    }
    sqlx::query!(
        "delete from identities i where repository = $1
           and not exists (select 1 from commit_facts c where c.repository = $1 and i.id in (c.author, c.committer))",
        repository.0,
    )
    .execute(&mut *connection)
    .await?;
    mark_repeats(connection, repository, None).await?;
    count_anew(connection, FactStream::of_owner(FactOwner::Repository)).await
}

async fn forget_unreached(
    connection: &mut PgConnection,
    repository: RepositoryId,
    heads: &[Vec<u8>],
) -> Result<u64> {
    let commits = sqlx::query!(
        "with recursive reached (id) as (
           select unnest($2::bytea[])
           union
           select parent from reached r
           join commit_facts c on c.repository = $1 and c.id = r.id
           cross join lateral unnest(c.parents) as p (parent)
         )
         delete from commit_facts c where c.repository = $1 and not exists (select 1 from reached r where r.id = c.id)",
        repository.0,
        heads,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from pull_request_facts t where repository = $1
           and not exists (select 1 from commit_facts c where c.repository = $1 and c.id = t.merge_commit)",
        repository.0,
    )
    .execute(connection)
    .await?;
    Ok(commits.rows_affected())
}

/// Marks all but the first merge of each pull request: of these numbers, or of all. Where one that was there before
/// has turned out not to be the first, pull requests are counted anew.
pub(super) async fn mark_merged_again(
    connection: &mut PgConnection,
    repository: RepositoryId,
    numbers: &[i64],
) -> Result<()> {
    if mark_repeats(connection, repository, Some(numbers)).await? {
        count_anew(connection, std::iter::once(&stream::PULL_REQUESTS)).await?;
    }
    Ok(())
}

/// Whether a mark of another transaction's fact has changed.
async fn mark_repeats(
    connection: &mut PgConnection,
    repository: RepositoryId,
    numbers: Option<&[i64]>,
) -> Result<bool> {
    let changed = sqlx::query_scalar!(
        r#"with ranked as (
             select number,
               row_number() over (partition by pull_request order by merged_at, merge_commit) > 1 as repeats
             from pull_request_facts
             where repository = $1 and ($2::bigint[] is null or pull_request = any ($2))
           )
           update pull_request_facts t set repeats = ranked.repeats
           from ranked where ranked.number = t.number and t.repeats <> ranked.repeats
           returning t.xid <> pg_current_xact_id() as "was_there!""#,
        repository.0,
        numbers,
    )
    .fetch_all(connection)
    .await?;
    Ok(changed.contains(&true))
}
