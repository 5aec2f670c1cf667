//! A job's log as it is written: masked, split into lines, bounded, with the time of each line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keirin_wire::log::{LINE_BYTES, LineTag, Stream};
use tokio::time::Instant;

use crate::clock::ServerClock;
use crate::config::OutputLimits;
use crate::lines::Lines;
use crate::mask::{Masker, Masks};
use crate::spool::SharedSpool;

/// What a line costs beside its text, so that a flood of empty lines is bounded too.
const LINE_COST: u64 = 16;

/// The log of one attempt.
pub(crate) struct JobLog {
    spool: Arc<SharedSpool>,
    masks: Masks,
    clock: ServerClock,
    batching: Duration,
    limit: u64,
    used: AtomicU64,
    is_full: AtomicBool,
}

impl JobLog {
    pub(crate) fn new(
        spool: Arc<SharedSpool>,
        masks: Masks,
        clock: ServerClock,
        batching: Duration,
        limits: &OutputLimits,
    ) -> Self {
        Self {
            spool,
            masks,
            clock,
            batching,
            limit: limits.log_bytes,
            used: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    /// A text without the job's secrets, for messages.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.masks.clean(text)
    }

    /// What the agent itself has to say. It may do so even when the job's own output has filled the log.
    pub(crate) fn say(&self, step: Option<u16>, text: &str) {
        let tag = LineTag {
            step,
            stream: Stream::Agent,
            cut: false,
        };
        for line in self.masked(text).lines() {
            let end = line.floor_char_boundary(LINE_BYTES);
            self.push(
                LineTag {
                    cut: end < line.len(),
                    ..tag
                },
                &line.as_bytes()[..end],
            );
        }
        self.spool.news.notify_one();
    }

    /// The output of a step, for as long as one of its processes writes.
    pub(crate) fn capture(self: &Arc<Self>, step: u16, stream: Stream) -> Capture {
        Capture {
            log: Arc::clone(self),
            step,
            stream,
            masker: Masker::new(self.masks.clone()),
            lines: Lines::default(),
            clean: Vec::new(),
        }
    }

    fn push(&self, tag: LineTag, text: &[u8]) {
        let due = Instant::now() + self.batching;
        self.spool
            .with(|spool| spool.line(self.clock.now(), tag, text, due));
    }

    /// Takes a line of output in, unless the log is full.
    fn output(&self, tag: LineTag, text: &[u8]) {
        let used = self
            .used
            .fetch_add(text.len() as u64 + LINE_COST, Ordering::Relaxed);
        if used < self.limit {
            return self.push(tag, text);
        }
        if !self.is_full.swap(true, Ordering::Relaxed) {
            let text = format!(
                "The log is cut here: it has reached its limit of {} bytes. The job goes on.",
                self.limit
            );
            self.push(
                LineTag {
                    step: tag.step,
                    stream: Stream::Agent,
                    cut: false,
                },
                text.as_bytes(),
            );
        }
    }
}

/// One stream of one process on its way into the log.
pub(crate) struct Capture {
    log: Arc<JobLog>,
    step: u16,
    stream: Stream,
    masker: Masker,
    lines: Lines,
    clean: Vec<u8>,
}

impl Capture {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.masker.push(bytes, &mut self.clean);
        self.split(false);
    }

    /// The stream is over: what has no line end is a line all the same.
    pub(crate) fn finish(mut self) {
        self.masker.finish(&mut self.clean);
        self.split(true);
    }

    fn split(&mut self, is_last: bool) {
        let Self {
            log,
            step,
            stream,
            lines,
            clean,
            ..
        } = self;
        let mut line = |text: &[u8], cut: bool| {
            log.output(
                LineTag {
                    step: Some(*step),
                    stream: *stream,
                    cut,
                },
                text,
            )
        };
        lines.push(clean, &mut line);
        if is_last {
            lines.finish(&mut line);
        }
        clean.clear();
        log.spool.news.notify_one();
    }
}
