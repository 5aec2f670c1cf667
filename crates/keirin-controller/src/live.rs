//! The attempts that agents hold, for whoever must know at once whether an attempt is still somebody's.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use keirin_engine::{Engine, RowChange};
use keirin_model::AttemptId;

use crate::work::Live;

/// The attempts that agents hold, as of the last commit. Clones look at the same attempts.
#[derive(Debug, Clone, Default)]
pub struct LiveAttempts {
    attempts: Arc<RwLock<HashMap<AttemptId, Live>>>,
}

impl LiveAttempts {
    /// Where an attempt belongs; `None` when nobody holds it.
    pub fn get(&self, attempt: AttemptId) -> Option<Live> {
        let attempts = self.attempts.read().unwrap_or_else(PoisonError::into_inner);
        attempts.get(&attempt).copied()
    }

    /// Takes in what a commit has changed.
    pub(crate) fn follow(&self, engine: &Engine, changes: &[RowChange]) {
        let mut attempts = self.attempts.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                RowChange::AddAttempt(attempt) => {
                    if let Some(live) = look_up(engine, attempt.id) {
                        attempts.insert(attempt.id, live);
                    }
                }
                RowChange::MoveAttempt { moved, .. } if moved.to.is_finished() => {
                    attempts.remove(&moved.id);
                }
                _ => {}
            }
        }
    }

    /// Begins anew with what an engine knows.
    pub(crate) fn reset(&self, engine: &Engine) {
        let held = engine.all_held().into_iter();
        let fresh = held
            .filter_map(|attempt| Some((attempt, look_up(engine, attempt)?)))
            .collect();
        *self.attempts.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Nobody holds anything, as far as this server knows: it does not lead.
    pub(crate) fn clear(&self) {
        self.attempts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn look_up(engine: &Engine, attempt: AttemptId) -> Option<Live> {
    let held = engine.held(attempt)?;
    Some(Live {
        agent: held.attempt.agent,
        project: held.flow.project,
        flow: held.flow.id,
        run: held.run,
        job: held.job,
        number: held.attempt.number,
    })
}
