//! Who leads: one row in the database, held for a term by the database's clock.

use std::fmt;
use std::time::Duration;

use keirin_model::Timestamp;

use crate::{Result, Store};

/// Counts the leaders there have been. A commit names the epoch of its leader, and only the newest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The right to lead until another takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderLease {
    /// What commits are made with.
    pub epoch: Epoch,
}

/// Who leads, as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// What it calls itself.
    pub holder: String,
    /// Its epoch.
    pub epoch: Epoch,
    /// Whether its term is still running. When it has run out, the next that tries takes over.
    pub in_term: bool,
    /// Since when it has led, by the database's clock; `None` where it took the lead before this was written down.
    pub since: Option<Timestamp>,
}

impl Store {
    /// Takes the lead where nobody has it or the term of whoever has it is over; `None` while somebody leads. A
    /// standby that tries every second takes over within a second of the end of the term.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn try_lead(&self, holder: &str, term: Duration) -> Result<Option<LeaderLease>> {
        let epoch = sqlx::query_scalar!(
            "update leader
             set epoch = epoch + 1, holder = $1, until = clock_timestamp() + make_interval(secs => $2),
                 since = clock_timestamp()
             where until is null or until < clock_timestamp()
             returning epoch",
            holder,
            term.as_secs_f64(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(epoch.map(|epoch| LeaderLease { epoch: Epoch(epoch) }))
    }

    /// Prolongs the term from now on; `false` when another has taken the lead. A term that ran out while nobody else
    /// wanted the lead can still be prolonged.
    ///
    /// # Errors
    /// The database cannot be reached: whether the term was prolonged is not known.
    pub async fn renew(&self, lease: &LeaderLease, term: Duration) -> Result<bool> {
        let updated = sqlx::query!(
            "update leader set until = clock_timestamp() + make_interval(secs => $2)
             where epoch = $1 and holder is not null",
            lease.epoch.0,
            term.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Gives the lead back, so that a standby need not wait for the end of the term. Nothing can be committed with
    /// this lease from now on.
    ///
    /// # Errors
    /// The database cannot be reached; the term then runs out by itself.
    pub async fn release(&self, lease: &LeaderLease) -> Result<()> {
        sqlx::query!(
            "update leader set epoch = epoch + 1, holder = null, until = null where epoch = $1",
            lease.epoch.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Who leads; `None` when the lead was given back or nobody has ever led.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn leader(&self) -> Result<Option<Leader>> {
        let row = sqlx::query!(
            r#"select epoch, holder, coalesce(until >= clock_timestamp(), false) as "in_term!",
                      since as "since: jiff_sqlx::Timestamp"
               from leader"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.holder.map(|holder| Leader {
            holder,
            epoch: Epoch(row.epoch),
            in_term: row.in_term,
            since: row.since.map(|since| since.to_jiff()),
        }))
    }
}
