//! What an attempt has said and the server has not acknowledged yet: events and log lines, and which of them is next.

use std::collections::VecDeque;

use jiff::Timestamp;
use keirin_model::Outcome;
use keirin_wire::agent::{AttemptEvent, Numbered};
use keirin_wire::log::LineTag;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::spool_log::{LogSpool, Outgoing};

/// What the server is to hear next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// These events, or none, which renews the lease.
    Events(Vec<Numbered>),
    Log(Outgoing),
    /// Nothing before this moment, unless something happens.
    Wait(Instant),
}

/// Everything that an attempt has to say, in order.
pub(crate) struct Spool {
    log: LogSpool,
    events: VecDeque<Numbered>,
    next_sequence: u64,
    /// When what is not urgent is to go out.
    due: Option<Instant>,
    is_urgent: bool,
    is_finished: bool,
    /// Why the rest of the log is dropped.
    log_refusal: Option<String>,
}

impl Spool {
    pub(crate) fn new(log: LogSpool) -> Self {
        Self {
            log,
            events: VecDeque::new(),
            next_sequence: 1,
            due: None,
            is_urgent: false,
            is_finished: false,
            log_refusal: None,
        }
    }

    /// Adds a line, to be sent by `due` at the latest.
    pub(crate) fn line(&mut self, time: Timestamp, tag: LineTag, text: &[u8], due: Instant) {
        if self.log_refusal.is_some() {
            return;
        }
        self.due.get_or_insert(due);
        if let Err(error) = self.log.push(time, tag, text) {
            self.refuse_log(error.to_string());
        }
    }

    /// Adds an event. The end of a step waits for what follows it; everything else goes out at once.
    pub(crate) fn event(&mut self, event: AttemptEvent, due: Instant) {
        match event {
            AttemptEvent::StepFinished { .. } => {
                self.due.get_or_insert(due);
            }
            AttemptEvent::Started | AttemptEvent::StepStarted { .. } => self.is_urgent = true,
            AttemptEvent::Finished { .. } => self.is_finished = true,
        }
        self.events.push_back(Numbered {
            sequence: self.next_sequence,
            event,
        });
        self.next_sequence += 1;
        self.admit_refusal();
    }

    /// What to send at this moment. The last event waits until every line is acknowledged.
    pub(crate) fn next(&mut self, now: Instant, renew_at: Instant) -> Next {
        if renew_at <= now && !self.is_finished {
            // The lease must not wait for lines that the server cannot take now.
            return self.all_events();
        }
        let is_due = self.is_finished || self.due.is_some_and(|due| due <= now);
        if is_due {
            self.is_urgent |= !self.events.is_empty();
        }
        if self.is_urgent && !self.is_finished {
            return self.all_events();
        }
        if is_due || self.log.has_closed() {
            let front = self.log.front();
            if !self.log.has_open() {
                self.due = None;
            }
            match front {
                Ok(Some(outgoing)) => return Next::Log(outgoing),
                Ok(None) => {}
                Err(error) => self.refuse_log(error.to_string()),
            }
        }
        if self.is_finished {
            return self.all_events();
        }
        Next::Wait(self.due.map_or(renew_at, |due| due.min(renew_at)))
    }

    fn all_events(&self) -> Next {
        Next::Events(self.events.iter().cloned().collect())
    }

    /// Forgets acknowledged events. Returns whether there was one.
    pub(crate) fn acknowledge(&mut self, sequence: u64) -> bool {
        let before = self.events.len();
        self.events.retain(|event| event.sequence > sequence);
        let can_wait = |event: &AttemptEvent| matches!(event, AttemptEvent::StepFinished { .. });
        self.is_urgent = !self.events.iter().all(|numbered| can_wait(&numbered.event));
        self.events.len() < before
    }

    /// Forgets acknowledged lines. Returns whether there was one.
    pub(crate) fn acknowledge_log(&mut self, next_line: u64) -> bool {
        self.log.acknowledge(next_line)
    }

    /// Whether the last event has been acknowledged.
    pub(crate) fn is_delivered(&self) -> bool {
        self.is_finished && self.events.is_empty()
    }

    /// Drops the rest of the log; a job whose log is not whole does not end well.
    pub(crate) fn refuse_log(&mut self, reason: String) {
        self.log.discard();
        self.log_refusal.get_or_insert(reason);
        self.admit_refusal();
    }

    fn admit_refusal(&mut self) {
        let (Some(reason), Some(last)) = (&self.log_refusal, self.events.back_mut()) else {
            return;
        };
        if let AttemptEvent::Finished {
            outcome: outcome @ Outcome::Success,
            message,
            ..
        } = &mut last.event
        {
            *outcome = Outcome::Failed;
            *message = Some(reason.clone());
        }
    }
}

/// A spool that the job fills and the delivery empties.
pub(crate) struct SharedSpool {
    spool: std::sync::Mutex<Spool>,
    pub(crate) news: Notify,
}

impl SharedSpool {
    pub(crate) fn new(log: LogSpool) -> Self {
        Self {
            spool: std::sync::Mutex::new(Spool::new(log)),
            news: Notify::new(),
        }
    }

    /// Works on the spool. The lock is held for the call only.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Spool) -> T) -> T {
        // A panic while the lock was held leaves a spool that is still in order: every change is made at its end.
        work(
            &mut self
                .spool
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keirin_model::flow::Exit;
    use keirin_wire::log::{Chunk, ChunkLimits, Stream};
    use tokio::time::Instant;

    use super::*;

    const TAG: LineTag = LineTag {
        step: Some(0),
        stream: Stream::Output,
        cut: false,
    };

    fn spool(folder: &tempfile::TempDir, memory: usize) -> Spool {
        Spool::new(LogSpool::new(folder.path().join("log"), memory))
    }

    fn finished(outcome: Outcome) -> AttemptEvent {
        AttemptEvent::Finished {
            outcome,
            exit: Exit::default(),
            message: None,
        }
    }

    fn texts(outgoing: &Outgoing) -> Vec<String> {
        let chunk = Chunk::decode(&outgoing.chunk, ChunkLimits::CHUNK).unwrap();
        chunk
            .iter()
            .map(|line| String::from_utf8(line.text.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn the_last_event_waits_for_every_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 1 << 20);
        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        spool.event(AttemptEvent::Started, now);
        spool.line(Timestamp::UNIX_EPOCH, TAG, b"hello", later);
        assert!(matches!(spool.next(now, later), Next::Events(events) if events.len() == 1));
        assert!(spool.acknowledge(1));
        assert_eq!(spool.next(now, later + Duration::from_secs(1)), Next::Wait(later));
        spool.event(finished(Outcome::Success), later);
        let Next::Log(outgoing) = spool.next(now, later) else {
            panic!("the log goes first")
        };
        assert_eq!(
            (outgoing.first_line, texts(&outgoing)),
            (0, vec!["hello".to_owned()])
        );
        assert_eq!(
            spool.next(now, later),
            Next::Log(outgoing),
            "as long as it is not acknowledged"
        );
        assert!(spool.acknowledge_log(1));
        assert!(matches!(spool.next(now, later), Next::Events(events) if events[0].sequence == 2));
        assert!(!spool.is_delivered());
        assert!(spool.acknowledge(2));
        assert!(spool.is_delivered());
    }

    #[test]
    fn what_does_not_fit_in_memory_comes_back_from_the_file_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 100);
        let now = Instant::now();
        for number in 0..100_000 {
            let text = format!("line {number} {}", number * 7919 % 10_007);
            spool.line(Timestamp::UNIX_EPOCH, TAG, text.as_bytes(), now);
        }
        spool.event(finished(Outcome::Success), now);
        assert!(folder.path().join("log").metadata().unwrap().len() > 0);
        let (mut next_line, mut chunks) = (0, 0);
        while let Next::Log(outgoing) = spool.next(now, now) {
            assert_eq!(outgoing.first_line, next_line);
            assert!(texts(&outgoing)[0].starts_with(&format!("line {next_line} ")));
            next_line += outgoing.lines;
            chunks += 1;
            assert!(spool.acknowledge_log(next_line));
        }
        assert_eq!(next_line, 100_000);
        assert!(chunks > 3);
    }

    #[test]
    fn a_log_that_is_refused_makes_a_failure_of_a_success() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 1 << 20);
        let now = Instant::now();
        spool.line(Timestamp::UNIX_EPOCH, TAG, b"hello", now);
        spool.refuse_log("too long".to_owned());
        spool.line(Timestamp::UNIX_EPOCH, TAG, b"more", now);
        spool.event(finished(Outcome::Success), now);
        let Next::Events(events) = spool.next(now, now) else {
            panic!("no log is left")
        };
        let AttemptEvent::Finished { outcome, message, .. } = &events[0].event else {
            panic!("{events:?}")
        };
        assert_eq!(
            (*outcome, message.as_deref()),
            (Outcome::Failed, Some("too long"))
        );
    }

    #[test]
    fn lines_that_are_due_follow_the_events_that_are() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 1 << 20);
        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        spool.event(AttemptEvent::Started, now);
        spool.line(Timestamp::UNIX_EPOCH, TAG, b"the last line for long", now);
        assert!(matches!(spool.next(now, later), Next::Events(_)));
        assert!(spool.acknowledge(1));
        assert!(matches!(spool.next(now, later), Next::Log(_)));
    }

    #[test]
    fn a_job_whose_lines_are_not_taken_renews_its_lease() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 1 << 20);
        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        spool.line(Timestamp::UNIX_EPOCH, TAG, b"hello", now);
        assert!(matches!(spool.next(now, later), Next::Log(_)));
        assert_eq!(spool.next(later, later), Next::Events(Vec::new()));
        assert!(matches!(
            spool.next(later, later + Duration::from_secs(9)),
            Next::Log(_)
        ));
    }

    #[test]
    fn a_quiet_job_renews_its_lease() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder, 1 << 20);
        let now = Instant::now();
        assert_eq!(spool.next(now, now), Next::Events(vec![]));
    }
}
