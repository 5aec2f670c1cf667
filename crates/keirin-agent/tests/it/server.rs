//! A server in this process. It keeps the rules of the protocol, and can be told to fail in every way that a real one does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use keirin_agent::{AttemptLease, CallError, FileStream, Server};
use keirin_model::{ArtifactId, AttemptId, Outcome, Timestamp};
use keirin_wire::agent::{
    Assignment, AttemptEvent, Claim, Claimed, Kept, LogAcknowledged, Report, Reported, TestReport,
};
use keirin_wire::log::{Chunk, ChunkLimits, ChunkLine, Stream};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// What the server knows of an attempt.
#[derive(Default, Clone)]
pub(crate) struct Record {
    pub(crate) events: Vec<AttemptEvent>,
    pub(crate) log: Vec<ChunkLine>,
    pub(crate) tests: Vec<TestReport>,
    /// The agent is to stop it.
    pub(crate) stop: bool,
    /// It is no longer the agent's.
    pub(crate) is_lost: bool,
    /// Calls that spoke for it after that.
    pub(crate) calls_when_lost: u32,
}

impl Record {
    pub(crate) fn finished(&self) -> Option<(Outcome, keirin_model::flow::Exit, Option<String>)> {
        match self.events.last()? {
            AttemptEvent::Finished {
                outcome,
                exit,
                message,
            } => Some((*outcome, *exit, message.clone())),
            _ => None,
        }
    }

    /// The outcome of each step, in the order in which they ended.
    pub(crate) fn steps(&self) -> Vec<Outcome> {
        let outcome = |event: &AttemptEvent| match event {
            AttemptEvent::StepFinished { outcome, .. } => Some(*outcome),
            _ => None,
        };
        self.events.iter().filter_map(outcome).collect()
    }

    /// The lines of a stream, as text.
    pub(crate) fn lines(&self, stream: Stream) -> Vec<String> {
        let lines = self.log.iter().filter(|line| line.stream == stream);
        lines
            .map(|line| String::from_utf8_lossy(&line.text).into_owned())
            .collect()
    }

    pub(crate) fn has_line(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.text == text.as_bytes())
    }
}

/// How calls fail.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    #[default]
    Fair,
    /// No call arrives.
    Offline,
    /// Of three calls, in an order without rhythm, one does not arrive, one is done and its answer lost, one is answered.
    Stormy,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) waiting: VecDeque<Assignment>,
    /// Given to an agent that has not said that it started.
    given: BTreeMap<AttemptId, Assignment>,
    pub(crate) attempts: BTreeMap<AttemptId, Record>,
    pub(crate) files: Vec<(Kept, Vec<u8>)>,
    pub(crate) weather: Weather,
    pub(crate) refuses_logs: bool,
    /// Files and long pieces of logs are answered as by a server that has no room for them.
    pub(crate) is_storage_full: bool,
    /// The next call for the list of kept files does not arrive.
    pub(crate) hides_files_once: bool,
    /// How often it has said so.
    pub(crate) refused_for_room: u32,
    /// Files do not arrive.
    pub(crate) is_away_for_files: bool,
    /// The job that keeps files.
    pub(crate) job_name: String,
    pub(crate) calls: u32,
    pub(crate) claims: Vec<Claim>,
    pub(crate) free: u32,
    /// The time that the server says.
    pub(crate) now: Option<Timestamp>,
    /// Why the agent has ended by itself.
    pub(crate) agent_failure: Option<String>,
}

/// The server.
pub(crate) struct TestServer {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    pub(crate) mirror: String,
}

enum Fate {
    Done,
    AnswerLost,
}

impl TestServer {
    pub(crate) fn new(mirror: String) -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            mirror,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_replace(());
    }

    /// Waits until the state is as asked for, and gives out what the test found there.
    pub(crate) async fn wait_for<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            if let Some(found) = find(&self.state()) {
                return found;
            }
            let failure = self.state().agent_failure.clone();
            assert_eq!(failure, None, "the agent has ended, and the test waits for it");
            changes.changed().await.unwrap();
        }
    }

    pub(crate) async fn finished(&self, attempt: AttemptId) -> Record {
        self.wait_for(|state| {
            let record = state.attempts.get(&attempt)?;
            record.finished().map(|_| record.clone())
        })
        .await
    }

    pub(crate) async fn line(&self, attempt: AttemptId, text: &str) {
        self.wait_for(|state| state.attempts.get(&attempt)?.has_line(text).then_some(()))
            .await;
    }

    fn arrive(&self) -> Result<Fate, CallError> {
        let mut state = self.state();
        state.calls += 1;
        let unreachable = || CallError::Unreachable {
            reason: "the test says so".to_owned(),
        };
        let mixed = u64::from(state.calls).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let chance = ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as u32;
        match (state.weather, chance % 3) {
            (Weather::Fair, _) | (Weather::Stormy, 2) => Ok(Fate::Done),
            (Weather::Stormy, 1) => Ok(Fate::AnswerLost),
            (Weather::Stormy | Weather::Offline, _) => Err(unreachable()),
        }
    }

    /// Does what a call asks, unless it does not arrive.
    fn call<T>(&self, work: impl FnOnce(&mut State) -> Result<T, CallError>) -> Result<T, CallError> {
        let fate = self.arrive()?;
        let result = work(&mut self.state());
        self.changed.send_replace(());
        match fate {
            Fate::Done => result,
            Fate::AnswerLost => Err(CallError::Unreachable {
                reason: "the answer was lost".to_owned(),
            }),
        }
    }
}

impl State {
    fn record(&mut self, lease: &AttemptLease) -> Result<&mut Record, CallError> {
        assert_eq!(
            lease.token,
            format!("token of {}", lease.attempt),
            "every call proves itself"
        );
        let record = self.attempts.entry(lease.attempt).or_default();
        if record.is_lost {
            record.calls_when_lost += 1;
            return Err(CallError::Lost);
        }
        Ok(record)
    }

    fn answer(&mut self, claim: &Claim) -> Option<Claimed> {
        let mut claimed = Claimed {
            now: self.now,
            ..Claimed::default()
        };
        // What was given and is not held did not arrive.
        let not_held = self
            .given
            .values()
            .filter(|given| !claim.holding.contains(&given.attempt));
        claimed.assignments.extend(not_held.cloned());
        while claimed.assignments.len() < claim.free as usize
            && let Some(assignment) = self.waiting.pop_front()
        {
            self.given.insert(assignment.attempt, assignment.clone());
            claimed.assignments.push(assignment);
        }
        let to_stop = claim.holding.iter().filter(|attempt| {
            self.attempts
                .get(attempt)
                .is_some_and(|record| record.stop && record.finished().is_none())
        });
        claimed.stop.extend(to_stop);
        (!claimed.assignments.is_empty() || !claimed.stop.is_empty()).then_some(claimed)
    }
}

#[async_trait]
impl Server for TestServer {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, CallError> {
        let mut changes = self.changed.subscribe();
        let fate = self.arrive()?;
        {
            let mut state = self.state();
            let last = state.claims.last().map_or(0, |claim| claim.sequence);
            assert!(claim.sequence > last, "claims count up");
            state.claims.push(claim.clone());
            state.free = claim.free;
        }
        self.changed.send_replace(());
        loop {
            changes.borrow_and_update();
            if let Some(claimed) = self.state().answer(claim) {
                return match fate {
                    Fate::Done => Ok(claimed),
                    Fate::AnswerLost => Err(CallError::Unreachable {
                        reason: "the answer was lost".to_owned(),
                    }),
                };
            }
            changes.changed().await.unwrap();
        }
    }

    async fn report(&self, lease: &AttemptLease, report: &Report) -> Result<Reported, CallError> {
        self.call(|state| {
            state.given.remove(&lease.attempt);
            let now = state.now;
            let record = state.record(lease)?;
            for numbered in &report.events {
                let next = record.events.len() as u64 + 1;
                assert!(
                    numbered.sequence <= next,
                    "event {} came before {next}",
                    numbered.sequence
                );
                match record.events.get(numbered.sequence as usize - 1) {
                    Some(known) => assert_eq!(*known, numbered.event, "a number means one event"),
                    None => {
                        assert!(record.finished().is_none(), "nothing comes after the last event");
                        record.events.push(numbered.event.clone());
                    }
                }
            }
            Ok(Reported {
                acknowledged: record.events.len() as u64,
                stop: record.stop,
                now,
            })
        })
    }

    async fn append_log(
        &self,
        lease: &AttemptLease,
        first_line: u64,
        chunk: Bytes,
    ) -> Result<LogAcknowledged, CallError> {
        self.call(|state| {
            let refuses_logs = state.refuses_logs;
            // Short logs have room in the database.
            let is_storage_full = state.is_storage_full && chunk.len() > 16 * 1024;
            state.refused_for_room += u32::from(is_storage_full);
            let record = state.record(lease)?;
            if is_storage_full {
                let reason = "the storage is full".to_owned();
                return Err(CallError::Failing { reason });
            }
            if refuses_logs {
                return Err(CallError::Refused {
                    message: "no room for logs".to_owned(),
                });
            }
            assert!(
                record.finished().is_none(),
                "the whole log comes before the last event"
            );
            let known = record.log.len() as u64;
            assert!(first_line <= known, "lines {known} to {first_line} are missing");
            let lines: Vec<ChunkLine> = Chunk::decode(&chunk, ChunkLimits::CHUNK)
                .unwrap()
                .iter()
                .collect();
            for (place, line) in (first_line..).zip(lines) {
                match record.log.get(place as usize) {
                    Some(there) => assert_eq!(*there, line, "a number means one line"),
                    None => record.log.push(line),
                }
            }
            Ok(LogAcknowledged {
                next_line: record.log.len() as u64,
            })
        })
    }

    async fn test_results(&self, lease: &AttemptLease, report: &TestReport) -> Result<(), CallError> {
        self.call(|state| {
            let tests = &mut state.record(lease)?.tests;
            tests.retain(|known| known.step != report.step);
            tests.push(report.clone());
            Ok(())
        })
    }

    async fn keep(
        &self,
        lease: &AttemptLease,
        path: &str,
        size: u64,
        executable: bool,
        content: FileStream,
    ) -> Result<(), CallError> {
        let unreachable = |error: std::io::Error| CallError::Unreachable {
            reason: error.to_string(),
        };
        let bytes: Vec<Bytes> = content.try_collect().await.map_err(unreachable)?;
        let bytes = bytes.concat();
        self.call(|state| {
            state.record(lease)?;
            if state.is_away_for_files {
                let reason = "nobody answers".to_owned();
                return Err(CallError::Unreachable { reason });
            }
            if state.is_storage_full {
                let reason = "the storage is full".to_owned();
                return Err(CallError::Failing { reason });
            }
            assert_eq!(bytes.len() as u64, size);
            // The test's name for the job that the next attempt stands for.
            let job = state.job_name.clone();
            state
                .files
                .retain(|(kept, _)| kept.path != path || kept.job != job);
            let id = ArtifactId(state.files.len() as i64 + 1);
            let sha256 = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let created_at = Timestamp::UNIX_EPOCH;
            state.files.push((
                Kept {
                    id,
                    path: path.to_owned(),
                    size,
                    sha256,
                    executable,
                    job,
                    stage: "build".to_owned(),
                    created_at,
                },
                bytes,
            ));
            Ok(())
        })
    }

    async fn kept(&self, lease: &AttemptLease) -> Result<Vec<Kept>, CallError> {
        self.call(|state| {
            state.record(lease)?;
            if std::mem::take(&mut state.hides_files_once) {
                let reason = "no route to host".to_owned();
                return Err(CallError::Unreachable { reason });
            }
            Ok(state.files.iter().map(|(kept, _)| kept.clone()).collect())
        })
    }

    async fn fetch_kept(&self, lease: &AttemptLease, artifact: ArtifactId) -> Result<FileStream, CallError> {
        self.call(|state| {
            state.record(lease)?;
            let (_, bytes) = state.files.iter().find(|(kept, _)| kept.id == artifact).unwrap();
            let pieces: Vec<_> = bytes
                .chunks(7)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            Ok(stream::iter(pieces).boxed())
        })
    }

    fn mirror_url(&self, path: &str) -> String {
        // A whole address is of a server that the test has made.
        match path.starts_with("http:") {
            true => path.to_owned(),
            false => format!("{}{path}", self.mirror),
        }
    }
}
