//! What goes on as long as the server leads, and how it stands.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use keirin_model::Clock;

/// How long one that broke rests until it begins anew.
const REST_OF_BROKEN: Duration = Duration::from_secs(5);

/// How something stands that goes on as long as the server leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcilerStatus {
    /// When its last round went well.
    pub succeeded_at: Option<Timestamp>,
    /// When its last round failed, where it has not gone well since.
    pub failed_at: Option<Timestamp>,
    /// Why that was.
    pub error: Option<String>,
}

/// One thing that goes on as long as the server leads, which says of each of its rounds how it went. A clone is the same.
#[derive(Clone)]
pub struct Reconciler {
    name: String,
    all: Reconcilers,
}

#[derive(Debug, Clone)]
struct Entry {
    title: String,
    status: ReconcilerStatus,
}

/// Everything that goes on as long as the server leads.
#[derive(Clone)]
pub struct Reconcilers {
    clock: Clock,
    statuses: Arc<Mutex<BTreeMap<String, Entry>>>,
}

impl Reconcilers {
    /// None yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            statuses: Arc::default(),
        }
    }

    /// One more, or the one of this name. `title` says what it does: a few words that begin with a verb.
    pub fn add(&self, name: &str, title: &str) -> Reconciler {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.entry(name.to_owned()).or_insert_with(|| Entry {
            title: title.to_owned(),
            status: ReconcilerStatus::default(),
        });
        Reconciler {
            name: name.to_owned(),
            all: self.clone(),
        }
    }

    /// How each stands: its name, its title and its status.
    pub fn all(&self) -> Vec<(String, String, ReconcilerStatus)> {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let all = statuses.iter();
        all.map(|(name, entry)| (name.clone(), entry.title.clone(), entry.status.clone()))
            .collect()
    }
}

impl Reconciler {
    /// Goes on until `begin` ends. One that breaks has failed, begins anew after a rest, and disturbs no other.
    pub async fn keep_going<Rounds>(self, begin: impl Fn(Self) -> Rounds)
    where
        Rounds: Future<Output = ()>,
    {
        // What broke begins with nothing of before.
        while AssertUnwindSafe(begin(self.clone()))
            .catch_unwind()
            .await
            .is_err()
        {
            self.went(&Err("It broke; the server's log says where."));
            tokio::time::sleep(REST_OF_BROKEN).await;
        }
    }

    /// Says how a round went. A failure is logged where it is another than before.
    pub fn went<E: std::fmt::Display>(&self, round: &Result<(), E>) {
        let now = (self.all.clock)();
        let mut statuses = self.all.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = statuses.get_mut(&self.name) else {
            return;
        };
        match round {
            Ok(()) => {
                entry.status = ReconcilerStatus {
                    succeeded_at: Some(now),
                    ..ReconcilerStatus::default()
                }
            }
            Err(error) => {
                let error = error.to_string();
                if entry.status.error.as_ref() != Some(&error) {
                    tracing::warn!(reconciler = self.name, %error, "background work does not go on at the moment");
                }
                entry.status.failed_at = Some(now);
                entry.status.error = Some(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_goes_well_ends_what_was_said_of_those_before() {
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let reconcilers = Reconcilers::new(clock);
        let forward = reconcilers.add("forward", "Send samples on");
        let status = || reconcilers.all().remove(0).2;
        assert_eq!(status(), ReconcilerStatus::default());
        forward.went(&Err("nobody answers"));
        assert_eq!(status().error.as_deref(), Some("nobody answers"));
        assert_eq!(status().failed_at, Some(Timestamp::UNIX_EPOCH));
        forward.went::<&str>(&Ok(()));
        let expected = ReconcilerStatus {
            succeeded_at: Some(Timestamp::UNIX_EPOCH),
            ..ReconcilerStatus::default()
        };
        assert_eq!(status(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_breaks_says_so_and_begins_anew() {
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let reconcilers = Reconcilers::new(clock);
        let begun = Mutex::new(Vec::new());
        let rounds = |status: Reconciler| {
            let said = reconcilers.all().remove(0).2.error;
            begun.lock().unwrap().push(said);
            let breaks = begun.lock().unwrap().len() < 3;
            async move {
                tokio::task::yield_now().await;
                assert!(!breaks, "broken on purpose");
                status.went::<&str>(&Ok(()));
            }
        };
        reconcilers
            .add("forward", "Send samples on")
            .keep_going(rounds)
            .await;
        let broke = || Some("It broke; the server's log says where.".to_owned());
        assert_eq!(*begun.lock().unwrap(), [None, broke(), broke()]);
        assert_eq!(reconcilers.all().remove(0).2.error, None);
    }
}
