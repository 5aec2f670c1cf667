//! Writing what was read of a history.

use keirin_insight::stream;
use keirin_model::RepositoryId;
use keirin_model::facts::git::{Identity, MergedPullRequest, NewCommit, Tag};
use keirin_wire::api::{HistoryPart, NewFacts};
use sqlx::PgConnection;

use super::retract;
use crate::facts::count_anew;
use crate::row::{sanitize_nul, saturating_cast, to_sql};
use crate::{Result, Store, StoreError};

impl Store {
    /// Adds part of a repository's history, in one transaction; what is there already is passed over. Whom names belong
    /// to is replaced. Parts of one repository are added one after the other.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the repository is not there, [`StoreError::Conflict`] when a commit has a name that
    /// is not among the identities.
    pub async fn add_history(&self, repository: RepositoryId, part: &HistoryPart) -> Result<NewFacts> {
        let mut transaction = self.begin().await?;
        let locked = sqlx::query!(
            "select id from repositories where id = $1 for no key update",
            repository.0
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if locked.is_none() {
            return Err(StoreError::not_found("repository", repository));
        }
        add_identities(&mut transaction, repository, &part.identities).await?;
        let added = NewFacts {
            commits: add_commits(&mut transaction, repository, &part.commits).await?,
            pull_requests: add_pull_requests(&mut transaction, repository, &part.pull_requests).await?,
            releases: add_releases(&mut transaction, repository, &part.releases).await?,
        };
        transaction.commit().await?;
        Ok(added)
    }
}

async fn add_identities(
    connection: &mut PgConnection,
    repository: RepositoryId,
    identities: &[Identity],
) -> Result<()> {
    let column = |of: fn(&Identity) -> &str| -> Vec<String> {
        identities
            .iter()
            .map(|identity| sanitize_nul(of(identity)).into_owned())
            .collect()
    };
    let (names, emails) = (
        column(|identity| &identity.person.name),
        column(|identity| &identity.person.email),
    );
    let bots: Vec<bool> = identities.iter().map(|identity| identity.bot).collect();
    let people = sqlx::query_scalar!(
        r#"insert into people (repository, name, email, bot)
         select $1, name, email, bool_or(bot)
         from unnest($2::text[], $3::text[], $4::bool[]) as u (name, email, bot) group by name, email
         on conflict (repository, email, name) do update set bot = excluded.bot where people.bot <> excluded.bot
         returning xmax <> '0' as "was_there!""#,
        repository.0,
        &names,
        &emails,
        &bots,
    )
    .fetch_all(&mut *connection)
    .await?;
    let identities = sqlx::query_scalar!(
        r#"insert into identities (repository, name, email, person)
         select distinct on (u.email, u.name) $1, u.name, u.email, p.id
         from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as u (name, email, person_name, person_email)
         join people p on p.repository = $1 and p.email = u.person_email and p.name = u.person_name
         on conflict (repository, email, name) do update set person = excluded.person
           where identities.person <> excluded.person
         returning xmax <> '0' as "was_there!""#,
        repository.0,
        &column(|identity| &identity.signature.name),
        &column(|identity| &identity.signature.email),
        &names,
        &emails,
    )
    .fetch_all(&mut *connection)
    .await?;
    // Commits that were counted for somebody are somebody else's now.
    if people.contains(&true) || identities.contains(&true) {
        count_anew(connection, std::iter::once(&stream::COMMITS)).await?;
    }
    Ok(())
}

async fn add_commits(
    connection: &mut PgConnection,
    repository: RepositoryId,
    commits: &[NewCommit],
) -> Result<u64> {
    let column_of = |of: fn(&NewCommit) -> &str| -> Vec<String> {
        commits
            .iter()
            .map(|commit| sanitize_nul(of(commit)).into_owned())
            .collect()
    };
    let ids = commits
        .iter()
        .map(|commit| bytes(&commit.id))
        .collect::<Result<Vec<_>>>()?;
    // Arrays of arrays have to be of one length, so parents travel as one text each.
    let mut parents = Vec::with_capacity(commits.len());
    let mut trailers = Vec::with_capacity(commits.len());
    for commit in commits {
        for parent in &commit.parents {
            bytes(parent)?;
        }
        parents.push(commit.parents.join(" "));
        trailers.push(crate::row::json(&commit.trailers)?);
    }
    let authored: Vec<_> = commits.iter().map(|commit| to_sql(commit.authored_at)).collect();
    let committed: Vec<_> = commits.iter().map(|commit| to_sql(commit.committed_at)).collect();
    let changes = || commits.iter().map(|commit| commit.changes);
    let files: Vec<Option<i32>> = changes()
        .map(|changes| changes.files.map(saturating_cast))
        .collect();
    let added: Vec<Option<i64>> = changes()
        .map(|changes| changes.lines_added.map(saturating_cast))
        .collect();
    let removed: Vec<Option<i64>> = changes()
        .map(|changes| changes.lines_removed.map(saturating_cast))
        .collect();
    let inserted = sqlx::query!(
        "insert into commit_facts (repository, id, parents, author, committer, authored_at, committed_at, subject, files,
           lines_added, lines_removed, trailers)
         select $1, u.id,
           (select coalesce(array_agg(decode(p, 'hex') order by place), '{}')
            from unnest(string_to_array(u.parents, ' ')) with ordinality as t (p, place)),
           author.id, committer.id, u.authored_at, u.committed_at, u.subject, u.files, u.added, u.removed, u.trailers
         from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
           $9::timestamptz[], $10::text[], $11::integer[], $12::bigint[], $13::bigint[], $14::jsonb[]) with ordinality
           as u (id, parents, author_name, author_email, committer_name, committer_email, authored_at, committed_at,
             subject, files, added, removed, trailers, place)
         left join identities author
           on author.repository = $1 and author.email = u.author_email and author.name = u.author_name
         left join identities committer
           on committer.repository = $1 and committer.email = u.committer_email and committer.name = u.committer_name
         order by u.place
         on conflict (repository, id) do nothing",
        repository.0,
        &ids,
        &parents,
        &column_of(|commit| &commit.author.name),
        &column_of(|commit| &commit.author.email),
        &column_of(|commit| &commit.committer.name),
        &column_of(|commit| &commit.committer.email),
        &authored as _,
        &committed as _,
        &column_of(|commit| &commit.subject),
        &files as _,
        &added as _,
        &removed as _,
        &trailers as _,
    )
    .execute(connection)
    .await
    .map_err(unknown_name)?;
    Ok(inserted.rows_affected())
}

async fn add_pull_requests(
    connection: &mut PgConnection,
    repository: RepositoryId,
    merged: &[MergedPullRequest],
) -> Result<u64> {
    let column_of = |of: fn(&MergedPullRequest) -> &str| -> Vec<String> {
        merged
            .iter()
            .map(|merged| sanitize_nul(of(merged)).into_owned())
            .collect()
    };
    let numbers: Vec<i64> = merged
        .iter()
        .map(|merged| saturating_cast(merged.number))
        .collect();
    let bots: Vec<bool> = merged.iter().map(|merged| merged.bot).collect();
    let branches: Vec<Option<String>> = merged
        .iter()
        .map(|merged| {
            merged
                .branch
                .as_deref()
                .map(|branch| sanitize_nul(branch).into_owned())
        })
        .collect();
    let merges = merged
        .iter()
        .map(|merged| bytes(&merged.merge_commit))
        .collect::<Result<Vec<_>>>()?;
    let merged_at: Vec<_> = merged.iter().map(|merged| to_sql(merged.merged_at)).collect();
    let commits: Vec<i32> = merged
        .iter()
        .map(|merged| saturating_cast(merged.commits))
        .collect();
    let first: Vec<_> = merged
        .iter()
        .map(|merged| merged.first_commit_at.map(to_sql))
        .collect();
    let inserted = sqlx::query!(
        "insert into pull_request_facts (repository, pull_request, title, author, bot, branch, merge_commit, merged_at,
           commits, first_commit_at)
         select $1, number, title, author, bot, branch, merge_commit, merged_at, commits, first_commit_at
         from unnest($2::bigint[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::bytea[], $8::timestamptz[],
           $9::integer[], $10::timestamptz[]) with ordinality
           as u (number, title, author, bot, branch, merge_commit, merged_at, commits, first_commit_at, place)
         order by place
         on conflict (repository, merge_commit) do nothing",
        repository.0,
        &numbers,
        &column_of(|merged| &merged.title),
        &column_of(|merged| &merged.author),
        &bots,
        &branches as _,
        &merges,
        &merged_at as _,
        &commits,
        &first as _,
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() > 0 {
        retract::mark_merged_again(connection, repository, &numbers).await?;
    }
    Ok(inserted.rows_affected())
}

async fn add_releases(
    connection: &mut PgConnection,
    repository: RepositoryId,
    releases: &[Tag],
) -> Result<u64> {
    let names: Vec<String> = releases
        .iter()
        .map(|tag| sanitize_nul(&tag.name).into_owned())
        .collect();
    let commits = releases
        .iter()
        .map(|tag| bytes(&tag.commit))
        .collect::<Result<Vec<_>>>()?;
    let times: Vec<_> = releases.iter().map(|tag| to_sql(tag.at)).collect();
    let inserted = sqlx::query!(
        "insert into release_facts (repository, name, commit, released_at)
         select $1, name, commit, released_at
         from unnest($2::text[], $3::bytea[], $4::timestamptz[]) with ordinality as u (name, commit, released_at, place)
         order by place
         on conflict (repository, name, commit) do nothing",
        repository.0,
        &names,
        &commits,
        &times as _,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected())
}

/// A commit whose author or committer is nobody breaks the rule that both are there.
fn unknown_name(error: sqlx::Error) -> StoreError {
    let is_nobody = error
        .as_database_error()
        .is_some_and(|error| error.kind() == sqlx::error::ErrorKind::NotNullViolation);
    if is_nobody {
        StoreError::Conflict(
            "a commit has a name and an address that are not among the identities".to_owned(),
        )
    } else {
        error.into()
    }
}

/// An id of a commit as the database keeps it.
///
/// # Errors
/// [`StoreError::Conflict`] where it is none.
pub(super) fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digit = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let is_whole = matches!(hex.len(), 40 | 64);
    let parsed: Option<Vec<u8>> = is_whole
        .then(|| hex.as_bytes().chunks(2).map(pair).collect())
        .flatten();
    parsed.ok_or_else(|| {
        let shown: String = hex.chars().take(80).collect();
        StoreError::Conflict(format!("`{shown}` is not the id of a commit"))
    })
}
