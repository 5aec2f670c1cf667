//! What is kept in memory of logs that grow: where they end, and their last chunks for those who follow.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use keirin_model::{AttemptId, LogStreamId};
use keirin_store::logs::{LogRow, OpenedLog};
use keirin_wire::log::{Chunk, StepLines};
use tokio::sync::watch;

use crate::part::LogPart;

/// How much text of a log is kept for its followers; who is further behind reads from storage.
const TAIL_BYTES: usize = 2 * 1024 * 1024;

/// Where a log ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    pub(crate) lines: u64,
    pub(crate) text_bytes: u64,
    pub(crate) cut: bool,
    pub(crate) closed: bool,
    pub(crate) steps: Vec<StepLines>,
    /// Small chunks since they were last put up for merging.
    pub(crate) loose: u32,
}

impl From<LogRow> for StreamState {
    fn from(row: LogRow) -> Self {
        let LogRow {
            lines,
            text_bytes,
            cut,
            steps,
            closed_at,
            ..
        } = row;
        Self {
            lines,
            text_bytes,
            cut,
            closed: closed_at.is_some(),
            steps,
            loose: 0,
        }
    }
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) lines: u64,
    pub(crate) closed: bool,
}

/// A log that grows or is followed.
pub(crate) struct Live {
    /// The attempt that it is of, where it was opened here.
    attempt: OnceLock<AttemptId>,
    /// Held while the log grows, so its chunks follow one another; `None` until it is read from the database.
    pub(crate) state: tokio::sync::Mutex<Option<StreamState>>,
    progress: watch::Sender<Progress>,
    tail: Mutex<VecDeque<(u64, Arc<Chunk>)>>,
}

impl Live {
    fn new() -> Self {
        let (progress, _) = watch::channel(Progress::default());
        Self {
            attempt: OnceLock::new(),
            state: tokio::sync::Mutex::default(),
            progress,
            tail: Mutex::default(),
        }
    }

    /// Tells followers of a chunk that is durable.
    pub(crate) fn publish(&self, first_line: u64, chunk: Arc<Chunk>) {
        let lines = first_line + u64::from(chunk.lines());
        {
            let mut tail = lock(&self.tail);
            if self.progress.receiver_count() == 0 {
                tail.clear();
            } else {
                tail.push_back((first_line, chunk));
                let mut bytes: usize = tail.iter().map(|(_, chunk)| chunk.text().len()).sum();
                while bytes > TAIL_BYTES && tail.len() > 1 {
                    bytes -= tail.pop_front().map_or(0, |(_, chunk)| chunk.text().len());
                }
            }
        }
        self.progress.send_replace(Progress { lines, closed: false });
    }

    /// Tells followers that nothing comes after these lines.
    pub(crate) fn publish_closed(&self, lines: u64) {
        self.progress.send_replace(Progress { lines, closed: true });
    }

    /// Says from now on how far the log has come.
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The lines from `line` to the end of its chunk, if they are among the last.
    pub(crate) fn part_at(&self, line: u64) -> Option<LogPart> {
        let tail = lock(&self.tail);
        let after = tail.partition_point(|(first_line, _)| *first_line <= line);
        let (first_line, chunk) = tail.get(after.checked_sub(1)?)?;
        LogPart::from_line(*first_line, Arc::clone(chunk), line)
    }
}

/// All logs that grow or are followed.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Known>);

#[derive(Default)]
struct Known {
    streams: HashMap<LogStreamId, Arc<Live>>,
    attempts: HashMap<AttemptId, LogStreamId>,
}

impl Registry {
    pub(crate) fn get(&self, stream: LogStreamId) -> Arc<Live> {
        Arc::clone(
            lock(&self.0)
                .streams
                .entry(stream)
                .or_insert_with(|| Arc::new(Live::new())),
        )
    }

    /// Remembers the log of an attempt that has just been opened: each chunk of it asks for it again.
    pub(crate) fn opened(&self, attempt: AttemptId, opened: OpenedLog) {
        let live = self.get(opened.id);
        live.attempt.get_or_init(|| attempt);
        if opened.new
            && let Ok(mut state) = live.state.try_lock()
        {
            state.get_or_insert_default();
        }
        lock(&self.0).attempts.insert(attempt, opened.id);
    }

    /// The log of an attempt, if it is remembered.
    pub(crate) fn of_attempt(&self, attempt: AttemptId) -> Option<LogStreamId> {
        lock(&self.0).attempts.get(&attempt).copied()
    }

    /// Takes out what [`Self::get`] gave, if it is still that.
    pub(crate) fn forget(&self, stream: LogStreamId, live: &Arc<Live>) {
        let mut known = lock(&self.0);
        if known
            .streams
            .get(&stream)
            .is_some_and(|known| Arc::ptr_eq(known, live))
        {
            known.streams.remove(&stream);
        }
        if let Some(attempt) = live.attempt.get() {
            known.attempts.remove(attempt);
        }
    }
}

/// What these locks guard is whole at every moment, so a panic elsewhere does no harm to it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
