//! Writing samples: one transaction that finds series, reads the chunks that new samples fall into, replaces them, and
//! moves the position of whoever made the samples.

use keirin_model::ProjectId;
use keirin_model::series::{Labels, MetricKind};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{ReaderPosition, SampleChunkRow, StoredChunk};
use crate::pool::Transaction;
use crate::row::{saturating_cast, unsigned};
use crate::{Position, Result, Store, StoreError};

/// The lock that writers of samples take, one after the other, whichever server they are in. Any number does that
/// nothing else locks.
const LOCK: i64 = 0x6b65_6972_696e_0001;

/// A series that is made where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSeries<'a> {
    /// Metric and labels.
    pub labels: &'a Labels,
    /// Tells it from all others.
    pub fingerprint: [u8; 32],
    /// The project that it counts for.
    pub project: Option<ProjectId>,
    /// The transform that makes it.
    pub transform: Option<&'a str>,
    /// See the column of this name.
    pub bucket_ms: Option<i64>,
}

/// A series and a time range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesTimeRange {
    /// The series.
    pub series: i64,
    /// Milliseconds since 1970.
    pub from_ms: i64,
    /// Milliseconds since 1970.
    pub until_ms: i64,
}

/// A transaction that writes samples. Dropped without [`SampleWrite::commit`] it has done nothing.
#[derive(Debug)]
pub struct SampleWrite {
    transaction: Transaction,
}

impl Store {
    /// Begins to write samples. Writers go one after the other.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn write_samples(&self) -> Result<SampleWrite> {
        let mut transaction = self.begin().await?;
        // A write of many samples takes longer than what the engine's transactions may.
        sqlx::query!(r#"select set_config('idle_in_transaction_session_timeout', '60s', true) as "idle""#)
            .fetch_one(&mut *transaction)
            .await?;
        take_turn(&mut transaction).await?;
        Ok(SampleWrite { transaction })
    }
}

/// Waits until no other transaction writes samples; none does until this one ends.
pub(crate) async fn take_turn(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1) as locked", LOCK)
        .fetch_one(connection)
        .await?;
    Ok(())
}

impl SampleWrite {
    /// The ids of these series, in this order; those that are not there are made.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a series' project is gone.
    pub async fn find_or_create(&mut self, wanted: &[NewSeries<'_>]) -> Result<Vec<i64>> {
        let fingerprints: Vec<_> = wanted.iter().map(|series| series.fingerprint.to_vec()).collect();
        let known = self.find(&fingerprints).await?;
        let missing: Vec<_> = wanted
            .iter()
            .zip(&known)
            .filter(|(_, id)| id.is_none())
            .map(|(series, _)| series)
            .collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let metrics: Vec<_> = missing.iter().map(|series| series.labels.metric()).collect();
        let labels: Vec<_> = missing
            .iter()
            .map(|series| Json(series.labels.without_metric()))
            .collect();
        let hashes: Vec<_> = missing.iter().map(|series| series.fingerprint.to_vec()).collect();
        let projects: Vec<_> = missing
            .iter()
            .map(|series| series.project.map(|project| project.0))
            .collect();
        let transforms: Vec<_> = missing.iter().map(|series| series.transform).collect();
        let buckets: Vec<_> = missing.iter().map(|series| series.bucket_ms).collect();
        sqlx::query!(
            "insert into series (metric, labels, fingerprint, project, transform, bucket_ms)
             select * from unnest($1::text[], $2::jsonb[], $3::bytea[], $4::bigint[], $5::text[], $6::bigint[])
             on conflict (fingerprint) do nothing",
            &metrics as _,
            &labels as _,
            &hashes,
            &projects as _,
            &transforms as _,
            &buckets as _,
        )
        .execute(&mut *self.transaction)
        .await
        .map_err(|error| {
            StoreError::conflict_if_violated(error, || {
                "a project is gone that samples were to be written for".to_owned()
            })
        })?;
        let known = self.find(&fingerprints).await?;
        let count = known.len();
        let ids: Vec<_> = known.into_iter().flatten().collect();
        if ids.len() == count {
            Ok(ids)
        } else {
            Err(StoreError::Corrupt(
                "a series that was just made is not there".to_owned(),
            ))
        }
    }

    /// The ids of those series that are there, in this order.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find(&mut self, fingerprints: &[Vec<u8>]) -> Result<Vec<Option<i64>>> {
        let ids = sqlx::query_scalar!(
            r#"select s.id as "id?" from unnest($1::bytea[]) with ordinality as u (fingerprint, place)
               left join series s on s.fingerprint = u.fingerprint order by u.place"#,
            fingerprints,
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        Ok(ids)
    }

    /// How many series from outside a project has, or belong to none.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_from_outside(&mut self, project: Option<ProjectId>) -> Result<u64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from series
               where transform is null and project is not distinct from $1"#,
            project.map(|project| project.0),
        )
        .fetch_one(&mut *self.transaction)
        .await?;
        unsigned(count)
    }

    /// The chunks that reach into any of these spans, and for each span the last one before it. A series is named at
    /// most once.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn chunks_to_merge(&mut self, spans: &[SeriesTimeRange]) -> Result<Vec<SampleChunkRow>> {
        let series: Vec<_> = spans.iter().map(|span| span.series).collect();
        let from: Vec<_> = spans.iter().map(|span| span.from_ms).collect();
        let until: Vec<_> = spans.iter().map(|span| span.until_ms).collect();
        let rows = sqlx::query_as!(
            StoredChunk,
            "select c.series, c.first_ms, c.last_ms, c.samples, c.body
             from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as u (series, from_ms, until_ms)
             join lateral (
               select * from sample_chunks c
               where c.series = u.series and c.first_ms <= u.until_ms
                 and c.first_ms >= coalesce(
                   (select max(b.first_ms) from sample_chunks b where b.series = u.series and b.first_ms <= u.from_ms),
                   u.from_ms)
             ) c on true
             order by c.series, c.first_ms",
            &series,
            &from,
            &until,
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.into_iter().map(SampleChunkRow::try_from).collect()
    }

    /// Puts chunks in place of others, which are named by series and first time.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a series is gone: it has to be looked for anew.
    pub async fn replace_chunks(&mut self, old: &[(i64, i64)], new: &[SampleChunkRow]) -> Result<()> {
        let (series, first): (Vec<_>, Vec<_>) = old.iter().copied().unzip();
        if !old.is_empty() {
            sqlx::query!(
                "delete from sample_chunks c using unnest($1::bigint[], $2::bigint[]) as u (series, first_ms)
                 where c.series = u.series and c.first_ms = u.first_ms",
                &series,
                &first,
            )
            .execute(&mut *self.transaction)
            .await?;
        }
        let series: Vec<_> = new.iter().map(|chunk| chunk.series).collect();
        let first: Vec<_> = new.iter().map(|chunk| chunk.first_ms).collect();
        let last: Vec<_> = new.iter().map(|chunk| chunk.last_ms).collect();
        let samples: Vec<i32> = new.iter().map(|chunk| saturating_cast(chunk.samples)).collect();
        let bodies: Vec<_> = new.iter().map(|chunk| chunk.body.as_slice()).collect();
        let written = sqlx::query!(
            "insert into sample_chunks as c (series, first_ms, last_ms, samples, body)
             select u.series, u.first_ms, u.last_ms, u.samples, u.body
             from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[])
                  as u (series, first_ms, last_ms, samples, body)
             where exists (select 1 from series s where s.id = u.series)
             on conflict (series, first_ms) do update
               set last_ms = excluded.last_ms, samples = excluded.samples, body = excluded.body",
            &series,
            &first,
            &last,
            &samples,
            &bodies as _,
        )
        .execute(&mut *self.transaction)
        .await?;
        if usize::try_from(written.rows_affected()).is_ok_and(|rows| rows == new.len()) {
            Ok(())
        } else {
            Err(StoreError::Conflict(
                "a series is gone that samples were to be written to".to_owned(),
            ))
        }
    }

    /// Says what metrics mean; the newest word counts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn describe(&mut self, metrics: &[super::DescribedMetric]) -> Result<()> {
        let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        let kinds: Vec<_> = metrics.iter().map(|metric| metric.kind.into_str()).collect();
        let units: Vec<_> = metrics.iter().map(|metric| metric.unit.as_str()).collect();
        let helps: Vec<_> = metrics.iter().map(|metric| metric.help.as_str()).collect();
        sqlx::query!(
            "insert into metrics as m (name, kind, unit, help)
             select distinct on (u.name) * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
               as u (name, kind, unit, help)
             -- What is said again, as with every scrape, takes no lock and writes nothing.
             where not exists (
               select 1 from metrics k
               where (k.name, k.kind, k.unit, k.help) = (u.name, u.kind, u.unit, u.help))
             on conflict (name) do update
               set kind = excluded.kind, unit = excluded.unit, help = excluded.help
               where (m.kind, m.unit, m.help) is distinct from (excluded.kind, excluded.unit, excluded.help)",
            &names as _,
            &kinds as _,
            &units as _,
            &helps as _,
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Removes the chunks of a transform that reach this time or one after it, in milliseconds since 1970, for all of its
    /// series or for those that have this label. Gives those that begin before it: what in them is older has to be put back.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn remove_chunks(
        &mut self,
        transform: &str,
        label: Option<(&str, &str)>,
        from_ms: i64,
    ) -> Result<Vec<SampleChunkRow>> {
        let label = label.map(|(name, value)| serde_json::json!({ name: value }));
        let rows = sqlx::query_as!(
            StoredChunk,
            "with removed as (
               delete from sample_chunks c using series s
               where s.id = c.series and s.transform = $1 and c.last_ms >= $3
                 and ($2::jsonb is null or s.labels @> $2)
               returning c.series, c.first_ms, c.last_ms, c.samples, c.body
             )
             select * from removed where first_ms < $3",
            transform,
            label,
            from_ms,
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.into_iter().map(SampleChunkRow::try_from).collect()
    }

    /// Notes how far a reader has come. `false` when somebody else has moved it since `from` was read: nothing may be
    /// committed then.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn move_position(
        &mut self,
        name: &str,
        from: Option<ReaderPosition>,
        to: ReaderPosition,
    ) -> Result<bool> {
        let old = from.map_or(Position::START, |from| from.position);
        let moved = sqlx::query!(
            "insert into positions as p (name, version, transaction, number, carried_day)
             select $1, $2, $3, $4, $8
             where $5::integer is null
                or exists (select 1 from positions
                           where name = $1 and version = $5 and transaction = $6 and number = $7)
             on conflict (name) do update
               set version = excluded.version, transaction = excluded.transaction, number = excluded.number,
                   carried_day = excluded.carried_day, moved_at = now()
               where $5::integer is not null",
            name,
            to.version,
            to.position.transaction,
            to.position.number,
            from.map(|from| from.version),
            old.transaction,
            old.number,
            to.carried_day,
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(moved.rows_affected() == 1)
    }

    /// Makes all of it so.
    ///
    /// # Errors
    /// The database fails; nothing is written then, or all of it where the connection was lost.
    pub async fn commit(self) -> Result<()> {
        self.transaction.commit().await?;
        Ok(())
    }
}

/// A word for the kind as it stands in the database.
pub(super) fn kind(text: &str) -> MetricKind {
    [
        MetricKind::Counter,
        MetricKind::Gauge,
        MetricKind::Histogram,
        MetricKind::Summary,
    ]
    .into_iter()
    .find(|kind| kind.into_str() == text)
    .unwrap_or(MetricKind::Unknown)
}
