//! Finding series, and reading what lies in them.

use jiff::Timestamp;
use keirin_model::ProjectId;
use keirin_model::series::{Labels, METRIC_NAME, MetricKind};
use sqlx::types::Json;

use super::write::kind;
use super::{SampleChunkRow, SeriesTimeRange, StoredChunk};
use crate::row::unsigned;
use crate::views::VisibleProjects;
use crate::{Position, Result, Store};

/// Which series are looked for. What it leaves open is for the caller to sort out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesFilter {
    /// The metric.
    pub metric: Option<String>,
    /// Labels that have exactly this value, which is not empty.
    pub labels: Vec<(String, String)>,
    /// The projects whose series are in sight; none for every series.
    pub sight: Option<Vec<ProjectId>>,
    /// Only those with a sample at or after this time, in milliseconds since 1970, or those whose gaps are zeros.
    pub from_ms: Option<i64>,
    /// Only those with a sample at or before this time.
    pub until_ms: Option<i64>,
}

/// How far somebody has read what is only ever added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderPosition {
    /// The version of what it makes of it; 0 where it has to begin at the start.
    pub version: i32,
    /// Where it stands.
    pub position: Position,
    /// The day up to which it has said how things stand, in days since 1970.
    pub carried_day: Option<i32>,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRow {
    /// Its id.
    pub id: i64,
    /// Metric and labels.
    pub labels: Labels,
    /// The project that it counts for.
    pub project: Option<ProjectId>,
    /// The width of its buckets, where one without a sample has counted zero.
    pub bucket_ms: Option<i64>,
}

/// What is said about a metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescribedMetric {
    /// Its name, without the endings of a histogram's series.
    pub name: String,
    /// What its values mean.
    pub kind: MetricKind,
    /// As in `seconds`; empty where it has none.
    pub unit: String,
    /// In words.
    pub help: String,
}

/// A metric and the labels of its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricLabels {
    /// The metric.
    pub metric: String,
    /// The names of its labels.
    pub labels: Vec<String>,
}

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesTotals {
    /// How many series.
    pub series: u64,
    /// How many chunks; an estimate.
    pub chunks: u64,
    /// How many bytes chunks and their index take on disk.
    pub bytes: u64,
}

impl Store {
    /// The series that pass the filter, at most this many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find_series(&self, filter: &SeriesFilter, limit: u32) -> Result<Vec<SeriesRow>> {
        let labels: serde_json::Map<_, _> = filter
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let seen = ids(filter.sight.as_deref());
        let labels = (!labels.is_empty()).then_some(serde_json::Value::Object(labels));
        let rows = sqlx::query!(
            r#"select s.id, s.metric, s.labels as "labels: Json<Labels>", s.project, s.bucket_ms
               from series s
               where ($1::text is null or s.metric = $1)
                 and ($2::jsonb is null or s.labels @> $2)
                 and ($3::bigint is null or s.bucket_ms is not null
                      or (select c.last_ms from sample_chunks c where c.series = s.id
                          order by c.first_ms desc limit 1) >= $3)
                 and ($4::bigint is null
                      or (select min(c.first_ms) from sample_chunks c where c.series = s.id) <= $4)
                 and ($5::bigint[] is null or s.project = any($5))
               order by s.id
               limit $6"#,
            filter.metric,
            labels,
            filter.from_ms,
            filter.until_ms,
            seen.as_deref(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| SeriesRow {
                id: row.id,
                labels: row.labels.0.with(METRIC_NAME, &row.metric),
                project: row.project.map(ProjectId),
                bucket_ms: row.bucket_ms,
            })
            .collect())
    }

    /// The chunks with a sample within one time range, of several series; by series, in the order of time.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn chunks_within(
        &self,
        series: &[i64],
        from_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<SampleChunkRow>> {
        // The chunk that the range begins in is found by the index, so those before it cost nothing.
        let rows = sqlx::query_as!(
            StoredChunk,
            "select c.series, c.first_ms, c.last_ms, c.samples, c.body
             from unnest($1::bigint[]) as u (series)
             join lateral (
               select * from sample_chunks c
               where c.series = u.series and c.first_ms <= $3 and c.last_ms >= $2
                 and c.first_ms >= coalesce(
                   (select max(b.first_ms) from sample_chunks b where b.series = u.series and b.first_ms <= $2), $2)
             ) c on true
             order by c.series, c.first_ms",
            series,
            from_ms,
            until_ms,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(SampleChunkRow::try_from).collect()
    }

    /// When each of these series begins, in milliseconds since 1970; none for one without samples.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_begin(&self, series: &[i64]) -> Result<Vec<(i64, i64)>> {
        let rows = sqlx::query!(
            r#"select u.id as "id!", (select min(c.first_ms) from sample_chunks c where c.series = u.id) as first_ms
               from unnest($1::bigint[]) as u (id)"#,
            series,
        )
        .fetch_all(&self.pool)
        .await?;
        let begin = |(id, first): (i64, Option<i64>)| first.map(|first| (id, first));
        Ok(rows
            .into_iter()
            .filter_map(|row| begin((row.id, row.first_ms)))
            .collect())
    }

    /// The names of labels of series that pass the filter, the metric's among them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn label_names(&self, sight: Option<&[ProjectId]>, limit: u32) -> Result<Vec<String>> {
        let seen = ids(sight);
        let names = sqlx::query_scalar!(
            r#"select distinct key as "name!" from series, jsonb_object_keys(labels) as key
               where $1::bigint[] is null or project = any($1) order by 1 limit $2"#,
            seen.as_deref(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(std::iter::once(METRIC_NAME.to_owned()).chain(names).collect())
    }

    /// The values that a label has.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn label_values(
        &self,
        label: &str,
        sight: Option<&[ProjectId]>,
        limit: u32,
    ) -> Result<Vec<String>> {
        let seen = ids(sight);
        let values = if label == METRIC_NAME {
            sqlx::query_scalar!(
                r#"select distinct metric as "value!" from series
                   where $1::bigint[] is null or project = any($1) order by 1 limit $2"#,
                seen.as_deref(),
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?
        } else {
            sqlx::query_scalar!(
                r#"select distinct labels ->> $1 as "value!" from series
                   where labels ? $1 and ($2::bigint[] is null or project = any($2)) order by 1 limit $3"#,
                label,
                seen.as_deref(),
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?
        };
        Ok(values)
    }

    /// The metrics that there are series of in sight, each with the labels that one of its newest series has.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn metric_labels(&self, sight: &VisibleProjects) -> Result<Vec<MetricLabels>> {
        let seen = sight.ids();
        let rows = sqlx::query!(
            r#"select distinct on (metric) metric, array(select jsonb_object_keys(labels)) as "labels!"
               from series where $1::bigint[] is null or project = any($1)
               order by metric, id desc"#,
            seen.as_deref(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| MetricLabels {
                metric: row.metric,
                labels: row.labels,
            })
            .collect())
    }

    /// When the newest sample was, of those that are not ahead of this time.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn newest_sample(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let newest = sqlx::query_scalar!(
            "select max(last_ms) from sample_chunks where last_ms <= $1",
            now.as_millisecond()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(newest.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()))
    }

    /// What is said about metrics, by name: about those that there are series of in sight, about all where everything is.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn described_metrics(&self, sight: &VisibleProjects) -> Result<Vec<DescribedMetric>> {
        let seen = sight.ids();
        let rows = sqlx::query!(
            "select name, kind, unit, help from metrics
             where $1::bigint[] is null or exists (
               select 1 from series
               where project = any($1)
                 and metric in (metrics.name, metrics.name || '_bucket', metrics.name || '_sum', metrics.name || '_count'))
             order by name",
            seen.as_deref(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DescribedMetric {
                kind: kind(&row.kind),
                name: row.name,
                unit: row.unit,
                help: row.help,
            })
            .collect())
    }

    /// How far somebody has read; none where it never has.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn position(&self, name: &str) -> Result<Option<ReaderPosition>> {
        let row = sqlx::query!(
            "select version, transaction, number, carried_day from positions where name = $1",
            name,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| ReaderPosition {
            version: row.version,
            position: Position {
                transaction: row.transaction,
                number: row.number,
            },
            carried_day: row.carried_day,
        }))
    }

    /// How many series and samples there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_totals(&self) -> Result<SeriesTotals> {
        let row = sqlx::query!(
            r#"select (select count(*) from series) as "series!",
                 (select greatest(reltuples, 0)::bigint from pg_class where oid = 'sample_chunks'::regclass)
                   as "chunks!",
                 pg_total_relation_size('sample_chunks') as "bytes!""#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(SeriesTotals {
            series: unsigned(row.series)?,
            chunks: unsigned(row.chunks)?,
            bytes: unsigned(row.bytes)?,
        })
    }

    /// Drops the chunks of series from outside that end before this time, and series from outside that have none left
    /// and are older than it. Gives how many chunks.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn drop_samples(&self, before_ms: i64) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let dropped = sqlx::query!(
            "delete from sample_chunks c using series s
             where c.last_ms < $1 and s.id = c.series and s.transform is null",
            before_ms,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "delete from series s
             where s.transform is null and s.created_at < to_timestamp($1::bigint / 1000.0)
               and not exists (select 1 from sample_chunks c where c.series = s.id)",
            before_ms,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(dropped.rows_affected())
    }
}

/// As the statements take it: null for everything.
fn ids(sight: Option<&[ProjectId]>) -> Option<Vec<i64>> {
    sight.map(|projects| projects.iter().map(|project| project.0).collect())
}

/// A time range of one series.
impl SeriesTimeRange {
    /// From the first to the last of these times, which rise; none for no times.
    pub fn of(series: i64, times_ms: &[i64]) -> Option<Self> {
        Some(Self {
            series,
            from_ms: *times_ms.first()?,
            until_ms: *times_ms.last()?,
        })
    }
}
