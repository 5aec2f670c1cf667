//! Adding, finding and merging the chunks of logs.

use bytes::Bytes;
use jiff_sqlx::ToSqlx as _;
use keirin_model::LogStreamId;
use keirin_wire::log::StepLines;
use sqlx::types::Json;

use super::{ChunkBody, Extent, Growth, LogChunkRow};
use crate::{Result, Store, StoreError};

struct Raw {
    stream: i64,
    first_line: i64,
    lines: i32,
    text_bytes: i32,
    encoded_bytes: i32,
    first_time: jiff_sqlx::Timestamp,
    last_time: jiff_sqlx::Timestamp,
    body: Option<Vec<u8>>,
    object: Option<String>,
}

impl TryFrom<Raw> for LogChunkRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let body = match (raw.body, raw.object) {
            (Some(body), None) => ChunkBody::Inline(Bytes::from(body)),
            (None, Some(key)) => ChunkBody::Object(key),
            _ => {
                let place = format!("the chunk of log {} at line {}", raw.stream, raw.first_line);
                return Err(StoreError::Corrupt(place));
            }
        };
        Ok(Self {
            stream: LogStreamId(raw.stream),
            first_line: raw.first_line as u64,
            lines: raw.lines as u32,
            text_bytes: raw.text_bytes as u32,
            encoded_bytes: raw.encoded_bytes as u32,
            first_time: raw.first_time.to_jiff(),
            last_time: raw.last_time.to_jiff(),
            body,
        })
    }
}

impl LogChunkRow {
    fn inline(&self) -> Option<&[u8]> {
        match &self.body {
            ChunkBody::Inline(body) => Some(body),
            ChunkBody::Object(_) => None,
        }
    }

    fn object(&self) -> Option<&str> {
        match &self.body {
            ChunkBody::Inline(_) => None,
            ChunkBody::Object(key) => Some(key),
        }
    }
}

/// Line numbers beyond what a log can have are all the same to the database.
fn line(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Adds chunks at the ends of their logs, one for each log, in one statement; gives the logs that have grown. One
    /// that has another number of lines than expected, or is closed, does not grow.
    ///
    /// # Errors
    /// The database fails; then no log has grown, or, when the connection broke, nobody knows.
    pub async fn grow_logs(&self, growths: &[Growth]) -> Result<Vec<LogStreamId>> {
        let chunks = || growths.iter().map(|growth| &growth.chunk);
        let streams: Vec<i64> = chunks().map(|chunk| chunk.stream.0).collect();
        let first_lines: Vec<i64> = chunks().map(|chunk| line(chunk.first_line)).collect();
        let lines: Vec<i32> = chunks().map(|chunk| chunk.lines as i32).collect();
        let chunk_bytes: Vec<i32> = chunks().map(|chunk| chunk.text_bytes as i32).collect();
        let encoded_bytes: Vec<i32> = chunks().map(|chunk| chunk.encoded_bytes as i32).collect();
        let first_times: Vec<jiff_sqlx::Timestamp> =
            chunks().map(|chunk| chunk.first_time.to_sqlx()).collect();
        let last_times: Vec<jiff_sqlx::Timestamp> = chunks().map(|chunk| chunk.last_time.to_sqlx()).collect();
        let bodies: Vec<Option<&[u8]>> = chunks().map(LogChunkRow::inline).collect();
        let objects: Vec<Option<&str>> = chunks().map(LogChunkRow::object).collect();
        let stream_bytes: Vec<i64> = growths.iter().map(|growth| line(growth.text_bytes)).collect();
        let cuts: Vec<bool> = growths.iter().map(|growth| growth.cut).collect();
        let steps: Vec<Json<&[StepLines]>> = growths.iter().map(|growth| Json(&growth.steps[..])).collect();
        let unsealed: Vec<bool> = growths.iter().map(|growth| growth.unsealed).collect();
        let grown = sqlx::query_scalar!(
            "with new as (
                select * from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::integer[],
                    $6::timestamptz[], $7::timestamptz[], $8::bytea[], $9::text[], $10::bigint[], $11::boolean[],
                    $12::jsonb[], $13::boolean[])
                as new (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, body, object,
                    stream_bytes, cut, steps, unsealed)
            ), grown as (
                update log_streams old
                set lines = new.first_line + new.lines, text_bytes = new.stream_bytes, cut = new.cut,
                    steps = new.steps, unsealed = old.unsealed or new.unsealed
                from new
                where old.id = new.stream and old.lines = new.first_line and old.closed_at is null and not old.cut
                returning old.id
            )
            insert into log_chunks
                (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, body, object)
            select stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, body, object
            from new join grown on grown.id = new.stream
            returning stream",
            &streams,
            &first_lines,
            &lines,
            &chunk_bytes,
            &encoded_bytes,
            &first_times as _,
            &last_times as _,
            &bodies as _,
            &objects as _,
            &stream_bytes,
            &cuts,
            &steps as _,
            &unsealed,
        );
        Ok(grown
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .map(LogStreamId)
            .collect())
    }

    /// The last chunk that begins at or before a line.
    ///
    /// # Errors
    /// The database fails.
    pub async fn log_chunk_at(&self, stream: LogStreamId, at: u64) -> Result<Option<LogChunkRow>> {
        let found = sqlx::query_as!(
            Raw,
            r#"select stream, first_line, lines, text_bytes, encoded_bytes,
                first_time as "first_time: jiff_sqlx::Timestamp", last_time as "last_time: jiff_sqlx::Timestamp",
                body, object
            from log_chunks where stream = $1 and first_line <= $2 order by first_line desc limit 1"#,
            stream.0,
            line(at),
        );
        found
            .fetch_optional(&self.pool)
            .await?
            .map(LogChunkRow::try_from)
            .transpose()
    }

    /// At most `limit` chunks of these logs in order of log and line, beginning with the one that holds the line
    /// `from_line` of the log `from`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn log_chunks(
        &self,
        streams: &[LogStreamId],
        (from, from_line): (LogStreamId, u64),
        limit: u32,
    ) -> Result<Vec<LogChunkRow>> {
        let streams: Vec<i64> = streams.iter().map(|id| id.0).collect();
        let found = sqlx::query_as!(
            Raw,
            r#"select stream, first_line, lines, text_bytes, encoded_bytes,
                first_time as "first_time: jiff_sqlx::Timestamp", last_time as "last_time: jiff_sqlx::Timestamp",
                body, object
            from log_chunks
            where stream = any($1) and stream >= $2 and (stream > $2 or first_line + lines > $3)
            order by stream, first_line limit $4"#,
            &streams,
            from.0,
            line(from_line),
            i64::from(limit),
        );
        found
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .map(LogChunkRow::try_from)
            .collect()
    }

    /// How large each chunk of a log is, in order.
    ///
    /// # Errors
    /// The database fails.
    pub async fn log_extents(&self, stream: LogStreamId) -> Result<Vec<Extent>> {
        let found = sqlx::query!(
            "select first_line, lines, text_bytes from log_chunks where stream = $1 order by first_line",
            stream.0
        );
        let extents = found.fetch_all(&self.pool).await?.into_iter().map(|row| Extent {
            first_line: row.first_line as u64,
            lines: row.lines as u32,
            text_bytes: row.text_bytes as u32,
        });
        Ok(extents.collect())
    }

    /// Puts one chunk in the place of those that begin at these lines. `false`, and no change, where some of them are not
    /// there.
    ///
    /// # Errors
    /// The database fails.
    pub async fn swap_log_chunks(&self, old: &[u64], new: &LogChunkRow) -> Result<bool> {
        let first_lines: Vec<i64> = old.iter().map(|&number| line(number)).collect();
        let mut transaction = self.begin().await?;
        // Whoever deletes the log waits until the new chunk is there to be deleted too.
        let held = sqlx::query!(
            "select id from log_streams where id = $1 for key share",
            new.stream.0
        );
        if held.fetch_optional(&mut *transaction).await?.is_none() {
            return Ok(false);
        }
        let deleted = sqlx::query!(
            "delete from log_chunks where stream = $1 and first_line = any($2)",
            new.stream.0,
            &first_lines,
        );
        let deleted = deleted.execute(&mut *transaction).await?.rows_affected();
        if deleted != old.len() as u64 {
            return Ok(false);
        }
        sqlx::query!(
            "insert into log_chunks
                (stream, first_line, lines, text_bytes, encoded_bytes, first_time, last_time, body, object)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            new.stream.0,
            line(new.first_line),
            new.lines as i32,
            new.text_bytes as i32,
            new.encoded_bytes as i32,
            new.first_time.to_sqlx() as _,
            new.last_time.to_sqlx() as _,
            new.inline(),
            new.object(),
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Logs whose small chunks wait for being merged. A log that is still open is taken off the list by this: it comes
    /// back to it when it has grown, or is closed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_unsealed_logs(&self, limit: u32) -> Result<Vec<LogStreamId>> {
        let found = sqlx::query_scalar!(
            "with found as (select id, closed_at from log_streams where unsealed order by id limit $1),
            taken as (
                update log_streams set unsealed = false from found
                where log_streams.id = found.id and log_streams.closed_at is null
            )
            select id from found order by id",
            i64::from(limit),
        );
        Ok(found
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .map(LogStreamId)
            .collect())
    }

    /// Says that the chunks of a closed log have been merged.
    ///
    /// # Errors
    /// The database fails.
    pub async fn seal_log(&self, stream: LogStreamId) -> Result<()> {
        sqlx::query!(
            "update log_streams set unsealed = false where id = $1 and unsealed and closed_at is not null",
            stream.0
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
