//! What the stories share: a store of logs with a database and a folder of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use keirin_logs::{LogPart, LogSettings, LogSource, Logs};
use keirin_model::{AgentId, AttemptId, FlowId, JobId, LogStreamId, ProjectId, RunId};
use keirin_objects::Objects;
use keirin_testkit::TestDatabase;
use keirin_wire::log::{Chunk, ChunkLine, Stream};
use tempfile::TempDir;

/// All chunks become objects.
pub(crate) const NOTHING_INLINE: LogSettings = LogSettings {
    stream_bytes: 512 << 20,
    inline_bytes: 0,
};

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) objects: Objects,
    pub(crate) logs: Logs,
    settings: LogSettings,
    _folder: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(LogSettings::default()).await
    }

    pub(crate) async fn with(settings: LogSettings) -> Self {
        let database = keirin_testkit::database().await;
        let folder = TempDir::new().unwrap();
        let objects = Objects::folder(folder.path()).unwrap();
        let logs = Logs::new(database.store(), objects.clone(), settings, 1);
        Self {
            database,
            objects,
            logs,
            settings,
            _folder: folder,
        }
    }

    /// The same logs in another server, or in this one after it was started again.
    pub(crate) async fn another_server(&self) -> Logs {
        static INSTANCE: AtomicI64 = AtomicI64::new(2);
        let instance = INSTANCE.fetch_add(1, Ordering::Relaxed) as u64;
        Logs::new(
            self.database.another_store().await,
            self.objects.clone(),
            self.settings,
            instance,
        )
    }

    /// A new log of an attempt.
    pub(crate) async fn log(&self) -> LogStreamId {
        static ATTEMPT: AtomicI64 = AtomicI64::new(1);
        let attempt = ATTEMPT.fetch_add(1, Ordering::Relaxed);
        self.logs.open(&attempt_in_flow(attempt, 1), now()).await.unwrap()
    }

    /// The keys of all objects but those that wait to be removed.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .objects
            .list(None)
            .map_ok(|info| info.key.to_string())
            .try_collect()
            .await
            .unwrap();
        let removed = self.database.store().objects_to_remove(1000, &[]).await.unwrap();
        keys.retain(|key| !removed.contains(key));
        keys.sort();
        keys
    }

    /// Those of them that nothing in the database knows of.
    pub(crate) async fn unknown_objects(&self) -> Vec<String> {
        let keys = self.keys().await;
        self.database.store().unknown_objects(&keys).await.unwrap()
    }

    /// How many rows there are of a log, and how many of them point at objects.
    pub(crate) async fn rows(&self, stream: LogStreamId) -> (i64, i64) {
        let mut connection = self.database.connection().await;
        sqlx::query_as("select count(*), count(object) from log_chunks where stream = $1")
            .bind(stream.0)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}

pub(crate) fn attempt_in_flow(attempt: i64, flow: i64) -> LogSource {
    LogSource::Attempt {
        attempt: AttemptId(attempt),
        job: JobId(attempt * 10),
        run: RunId(flow * 10),
        flow: FlowId(flow),
        project: ProjectId(1),
        agent: AgentId(1),
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// Line `number` of every story, unless it says otherwise.
pub(crate) fn line(number: u64) -> ChunkLine {
    text_line(number, &format!("line {number}"))
}

pub(crate) fn text_line(number: u64, text: &str) -> ChunkLine {
    ChunkLine {
        time: Timestamp::from_millisecond(1_700_000_000_000 + number as i64).unwrap(),
        step: Some((number / 10) as u16 % 100),
        stream: if number % 7 == 3 {
            Stream::Error
        } else {
            Stream::Output
        },
        cut: false,
        text: Bytes::copy_from_slice(text.as_bytes()),
    }
}

/// Lines with these numbers, encoded.
pub(crate) fn chunk(numbers: std::ops::Range<u64>) -> Bytes {
    Chunk::encode(&numbers.map(line).collect::<Vec<_>>()).unwrap()
}

/// Lines with these numbers, as reading gives them.
pub(crate) fn numbered(numbers: std::ops::Range<u64>) -> Vec<(u64, ChunkLine)> {
    numbers.map(|number| (number, line(number))).collect()
}

pub(crate) fn flat(parts: Vec<LogPart>) -> Vec<(u64, ChunkLine)> {
    parts
        .iter()
        .flat_map(|part| part.lines().collect::<Vec<_>>())
        .collect()
}

/// All lines of a log.
pub(crate) async fn all(logs: &Logs, stream: LogStreamId) -> Vec<(u64, ChunkLine)> {
    logs.read(stream, 0..u64::MAX).await.unwrap()
}
