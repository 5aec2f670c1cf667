//! Reading what the histories of repositories tell.

use jiff::Timestamp;
use keirin_model::facts::git::{
    AuthorDay, Changes, CommitFact, Contributor, GraphCommit, MergedPullRequest, PullRequestFact,
    ReleaseFact, Tag, Trailer,
};
use keirin_model::{PersonId, RepositoryId};
use sqlx::types::Json;

use super::repositories::hex;
use crate::facts::{FactBatch, Read};
use crate::row::{timestamp, unsigned};
use crate::{Position, Result, Store, StoreError};

/// Where there are new commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitNews {
    /// Which repositories they are of.
    pub repositories: Vec<NewCommits>,
    /// The position of the last of them; none where there is none.
    pub until: Option<Position>,
    /// Whether there are more that cannot be read yet because an older transaction still runs: look again in a moment.
    pub unsettled: bool,
}

/// The new commits of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewCommits {
    /// The repository.
    pub repository: RepositoryId,
    /// How many.
    pub count: u64,
    /// When the oldest of them was put in.
    pub oldest_at: Timestamp,
}

impl Store {
    /// Which repositories have commits after this position. It costs much less than to read the commits.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn commit_news(&self, position: Position) -> Result<CommitNews> {
        // A row of the last commit of each repository, as transactions are told apart by their numbers.
        let rows = sqlx::query!(
            r#"select repository, count(*) filter (where settled) as "commits!",
                 min(committed_at) filter (where settled) as "oldest_at: jiff_sqlx::Timestamp",
                 max(array[xid::text::bigint, number]) filter (where settled) as last, not bool_and(settled) as "unsettled!"
               from (
                 select *, xid < pg_snapshot_xmin(pg_current_snapshot()) as settled
                 from commit_facts where (xid, number) > ($1::text::xid8, $2::bigint)
               ) news
               group by repository order by repository"#,
            position.transaction.to_string(),
            position.number,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut news = CommitNews::default();
        for row in rows {
            news.unsettled |= row.unsettled;
            let (Some(last), Some(oldest_at)) = (row.last, timestamp(row.oldest_at)) else {
                continue;
            };
            let [transaction, number] = last[..] else {
                return Err(StoreError::Corrupt("a position without two parts".to_owned()));
            };
            let last = Position { transaction, number };
            news.until = news.until.max(Some(last));
            news.repositories.push(NewCommits {
                repository: RepositoryId(row.repository),
                count: unsigned(row.commits)?,
                oldest_at,
            });
        }
        Ok(news)
    }

    /// The commits after this position, of all repositories, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn commits_after(&self, position: Position, limit: u32) -> Result<FactBatch<CommitFact>> {
        let rows = sqlx::query!(
            r#"select c.xid::text::bigint as "transaction!", c.number, c.repository, c.id, c.parents,
                      author.id as author, author.bot as author_bot,
                      committer.id as committer, committer.bot as committer_bot,
                      c.authored_at as "authored_at: jiff_sqlx::Timestamp",
                      c.committed_at as "committed_at: jiff_sqlx::Timestamp",
                      c.subject, c.files, c.lines_added, c.lines_removed, c.trailers as "trailers: Json<Vec<Trailer>>",
                      c.xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from (select * from commit_facts where (xid, number) > ($1::text::xid8, $2::bigint)
                     order by xid, number limit $3) c
               join identities wrote on wrote.id = c.author join people author on author.id = wrote.person
               join identities put on put.id = c.committer join people committer on committer.id = put.person
               order by c.xid, c.number"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        let read = rows.into_iter().map(|row| {
            Ok(Read::new(
                row.transaction,
                row.number,
                row.settled,
                CommitFact {
                    repository: RepositoryId(row.repository),
                    id: hex(&row.id),
                    parents: row.parents.iter().map(|parent| hex(parent)).collect(),
                    author: contributor(row.author, row.author_bot),
                    committer: contributor(row.committer, row.committer_bot),
                    authored_at: row.authored_at.to_jiff(),
                    committed_at: row.committed_at.to_jiff(),
                    subject: row.subject,
                    changes: Changes {
                        files: row.files.map(unsigned).transpose()?,
                        lines_added: row.lines_added.map(unsigned).transpose()?,
                        lines_removed: row.lines_removed.map(unsigned).transpose()?,
                    },
                    trailers: row.trailers.0,
                },
            ))
        });
        Ok(FactBatch::settled(read.collect::<Result<_>>()?))
    }

    /// The proposed changes that were merged, after this position, of all repositories, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn pull_requests_after(
        &self,
        position: Position,
        limit: u32,
    ) -> Result<FactBatch<PullRequestFact>> {
        let rows = sqlx::query!(
            r#"select xid::text::bigint as "transaction!", number, repository, pull_request, title, author, bot, branch,
                      merge_commit, merged_at as "merged_at: jiff_sqlx::Timestamp", commits,
                      first_commit_at as "first_commit_at: jiff_sqlx::Timestamp",
                      xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from pull_request_facts where (xid, number) > ($1::text::xid8, $2::bigint) and not repeats
               order by xid, number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        let read = rows.into_iter().map(|row| {
            Ok(Read::new(
                row.transaction,
                row.number,
                row.settled,
                PullRequestFact {
                    repository: RepositoryId(row.repository),
                    merged: MergedPullRequest {
                        number: unsigned(row.pull_request)?,
                        title: row.title,
                        author: row.author,
                        bot: row.bot,
                        branch: row.branch,
                        merge_commit: hex(&row.merge_commit),
                        merged_at: row.merged_at.to_jiff(),
                        commits: unsigned(row.commits)?,
                        first_commit_at: timestamp(row.first_commit_at),
                    },
                },
            ))
        });
        Ok(FactBatch::settled(read.collect::<Result<_>>()?))
    }

    /// The releases after this position, of all repositories, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn releases_after(&self, position: Position, limit: u32) -> Result<FactBatch<ReleaseFact>> {
        let rows = sqlx::query!(
            r#"select xid::text::bigint as "transaction!", number, repository, name, commit,
                      released_at as "released_at: jiff_sqlx::Timestamp",
                      xid < pg_snapshot_xmin(pg_current_snapshot()) as "settled!"
               from release_facts where (xid, number) > ($1::text::xid8, $2::bigint)
               order by xid, number limit $3"#,
            position.transaction.to_string(),
            position.number,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        let read = rows.into_iter().map(|row| {
            Read::new(
                row.transaction,
                row.number,
                row.settled,
                ReleaseFact {
                    repository: RepositoryId(row.repository),
                    tag: Tag {
                        name: row.name,
                        commit: hex(&row.commit),
                        at: row.released_at.to_jiff(),
                    },
                },
            )
        });
        Ok(FactBatch::settled(read.collect()))
    }

    /// All releases of a repository, oldest first.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn releases_of(&self, repository: RepositoryId) -> Result<Vec<Tag>> {
        let rows = sqlx::query!(
            r#"select name, commit, released_at as "released_at: jiff_sqlx::Timestamp"
               from release_facts where repository = $1 order by released_at, number"#,
            repository.0,
        )
        .fetch_all(&self.pool)
        .await?;
        let tags = rows.into_iter().map(|row| Tag {
            name: row.name,
            commit: hex(&row.commit),
            at: row.released_at.to_jiff(),
        });
        Ok(tags.collect())
    }

    /// How the commits of a repository follow each other; parents that are not among the facts are named too.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn commit_graph(&self, repository: RepositoryId) -> Result<Vec<GraphCommit>> {
        let rows = sqlx::query!(
            r#"select id, parents, authored_at as "authored_at: jiff_sqlx::Timestamp"
               from commit_facts where repository = $1 order by xid, number"#,
            repository.0,
        )
        .fetch_all(&self.pool)
        .await?;
        let commits = rows.into_iter().map(|row| GraphCommit {
            id: hex(&row.id),
            parents: row.parents.iter().map(|parent| hex(parent)).collect(),
            authored_at: row.authored_at.to_jiff(),
        });
        Ok(commits.collect())
    }

    /// Who wrote how many of the commits that were put in on each day, merges not counted; by day.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn author_days(&self, repository: RepositoryId) -> Result<Vec<AuthorDay>> {
        let rows = sqlx::query!(
            r#"select p.id as person, p.bot,
                      date_trunc('day', c.committed_at, 'UTC') as "day!: jiff_sqlx::Timestamp", count(*) as "commits!"
               from commit_facts c
               join identities i on i.id = c.author join people p on p.id = i.person
               where c.repository = $1 and cardinality(c.parents) < 2
               group by p.id, p.bot, 3 order by 3, p.id"#,
            repository.0,
        )
        .fetch_all(&self.pool)
        .await?;
        let days = rows.into_iter().map(|row| {
            Ok(AuthorDay {
                author: contributor(row.person, row.bot),
                day: row.day.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date(),
                commits: unsigned(row.commits)?,
            })
        });
        days.collect()
    }
}

fn contributor(person: i64, bot: bool) -> Contributor {
    Contributor {
        person: PersonId(person),
        bot,
    }
}
