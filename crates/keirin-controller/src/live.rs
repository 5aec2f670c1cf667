//! The attempts that agents hold, for whoever must know at once whether an attempt is still somebody's.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use keirin_engine::{Engine, RowChange};
use keirin_model::AttemptId;

use crate::handle::does_not_lead;
use crate::work::{Live, WorkError};

/// The attempts that agents hold, as of the last commit. Clones look at the same attempts.
#[derive(Debug, Clone, Default)]
pub struct LiveAttempts {
    /// `None` where this is not known, because this server does not lead.
    attempts: Arc<RwLock<Option<HashMap<AttemptId, Live>>>>,
}

impl LiveAttempts {
    /// Where an attempt belongs; `None` when nobody holds it.
    ///
    /// # Errors
    /// [`WorkError::Unavailable`] when this server does not lead any more: what it knew says nothing of attempts.
    pub fn get(&self, attempt: AttemptId) -> Result<Option<Live>, WorkError> {
        let attempts = self.attempts.read().unwrap_or_else(PoisonError::into_inner);
        let attempts = attempts.as_ref().ok_or_else(does_not_lead)?;
        Ok(attempts.get(&attempt).copied())
    }

    /// Takes in what a commit has changed.
    pub(crate) fn follow(&self, engine: &Engine, changes: &[RowChange]) {
        let mut attempts = self.attempts.write().unwrap_or_else(PoisonError::into_inner);
        let Some(attempts) = attempts.as_mut() else {
            return;
        };
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
        *self.attempts.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
    }

    /// Knows nothing of any attempt from now on: this server does not lead.
    pub(crate) fn forget(&self) {
        *self.attempts.write().unwrap_or_else(PoisonError::into_inner) = None;
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
