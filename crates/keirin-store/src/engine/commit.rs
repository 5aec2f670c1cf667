//! Writing what the engine has decided: all of it in one transaction, or nothing.

use keirin_engine::RowChange;
use keirin_model::Status;
use sqlx::AssertSqlSafe;

use crate::engine::fold::{Contradiction, Folded, fold};
use crate::engine::{Epoch, Position, event, insert, update};
use crate::error::says_unavailable;
use crate::pool::Transaction;
use crate::{Store, StoreError};

/// Why a commit did not happen, or may not have happened. The engine is then made anew from a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another server leads.
    #[error("another server has taken the lead, so nothing was written")]
    Deposed,
    /// A row is not as the engine believed. Nothing was written.
    #[error("the database is not as the engine believed, so nothing was written: {what}")]
    Conflict {
        /// Which row, and how it is.
        what: String,
    },
    /// The connection was lost while the database was committing: all was written, or nothing.
    #[error("the connection was lost during a commit, so it is not known whether it was written: {0}")]
    Unknown(#[source] sqlx::Error),
    /// The store failed before the commit. Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Contradiction> for CommitError {
    fn from(contradiction: Contradiction) -> Self {
        Self::Conflict {
            what: contradiction.0,
        }
    }
}

impl Store {
    /// Writes these changes, in this order, all or none, as the leader of this epoch. Gives the position of the event that
    /// tells of them; `None` where they tell nothing.
    ///
    /// # Errors
    /// See [`CommitError`]. After any of them the engine's memory is no longer to be trusted. A caller that gives up
    /// waiting must treat that as [`CommitError::Unknown`].
    pub async fn commit(&self, epoch: Epoch, changes: &[RowChange]) -> Result<Option<Position>, CommitError> {
        let folded = fold(changes)?;
        let mut transaction = self.begin_as_leader(epoch, &folded).await?;
        insert::all(&mut transaction, &folded).await?;
        update::all(&mut transaction, &folded).await?;
        let position = event::append(&mut transaction, &folded).await?;
        finish(transaction).await?;
        Ok(position)
    }

    async fn begin_as_leader(&self, epoch: Epoch, folded: &Folded) -> Result<Transaction, CommitError> {
        // Nothing but numbers is put into it.
        let statements = AssertSqlSafe(beginning(epoch, folded));
        let (transaction, locked) = self.begin_asking(statements).await?;
        locked.map(|_| transaction).ok_or(CommitError::Deposed)
    }
}

/// The statements by which the leader of an epoch begins a commit: they lock its row, which keeps every other commit and
/// every change of leader out until this one is over, and take the new ids down. They give a row where it still leads.
///
/// They are one text with its numbers in it, because that is one turn to the database; a statement with parameters would be
/// another.
fn beginning(epoch: Epoch, folded: &Folded) -> String {
    let highest = |ids: &mut dyn Iterator<Item = i64>| ids.max().unwrap_or(0);
    // Every statement of a commit finds its rows by their keys. Plans are kept for the life of a connection, and one
    // that was made while the tables were small would read them whole: so reading whole is ruled out.
    format!(
        "begin;
         update leader set
           last_flow = greatest(last_flow, {flow}),
           last_run = greatest(last_run, {run}),
           last_job = greatest(last_job, {job}),
           last_attempt = greatest(last_attempt, {attempt})
         where epoch = {epoch} and holder is not null
         returning
           set_config('enable_seqscan', 'off', true),
           set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)",
        epoch = epoch.0,
        flow = highest(&mut folded.flows.new.iter().map(|flow| flow.id.0)),
        run = highest(&mut folded.runs.new.iter().map(|run| run.id.0)),
        job = highest(&mut folded.jobs.new.iter().map(|job| job.id.0)),
        attempt = highest(&mut folded.attempts.new.iter().map(|attempt| attempt.id.0)),
    )
}

async fn finish(transaction: Transaction) -> Result<(), CommitError> {
    transaction.commit().await.map_err(|error| match &error {
        // The database has answered, so it did not commit; unless it was just going down.
        sqlx::Error::Database(database) if !says_unavailable(database.code().as_deref()) => {
            CommitError::Store(error.into())
        }
        _ => CommitError::Unknown(error),
    })
}

/// Checks that a statement has reached as many rows as it was to.
///
/// # Errors
/// [`CommitError::Conflict`] with this text.
pub(super) fn reached(
    rows: impl TryInto<usize>,
    expected: usize,
    what: impl FnOnce() -> String,
) -> Result<(), CommitError> {
    if rows.try_into().is_ok_and(|rows| rows == expected) {
        Ok(())
    } else {
        Err(CommitError::Conflict { what: what() })
    }
}

/// The two columns that a status stands in.
pub(super) fn columns(status: Option<Status>) -> (Option<&'static str>, Option<&'static str>) {
    (
        status.map(|status| status.state().into_str()),
        status.and_then(Status::outcome).map(<&str>::from),
    )
}
