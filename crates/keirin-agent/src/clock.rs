//! The server's time, as an agent knows it whose own clock may be wrong: the times of a log lie within those of its attempt.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keirin_model::Clock;

/// A difference below this comes from the network, and the times of lines would only jump.
const TOLERATED: SignedDuration = SignedDuration::from_millis(250);

/// Tells the server's time; this machine's as long as the server has not said its own.
#[derive(Clone)]
pub(crate) struct ServerClock {
    own: Clock,
    /// The server's time less this machine's.
    offset: Arc<Mutex<SignedDuration>>,
}

impl ServerClock {
    pub(crate) fn new(own: Clock) -> Self {
        Self {
            own,
            offset: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        later((self.own)(), *self.offset())
    }

    /// Takes in the time that the server has just said, in an answer that was under way for this long at most.
    pub(crate) fn set(&self, server: Option<Timestamp>, under_way: Duration) {
        let Some(server) = server else { return };
        // Held throughout: of several who hear of the same difference one takes it in.
        let mut offset = self.offset();
        let difference = server.duration_since(later((self.own)(), *offset));
        let under_way = SignedDuration::try_from(under_way).unwrap_or(SignedDuration::MAX);
        if difference.abs() <= TOLERATED.saturating_add(under_way) {
            return;
        }
        *offset = offset.saturating_add(difference);
        tracing::warn!(
            "this machine's clock and the server's differ by {:#}; logs have the server's times",
            offset.abs()
        );
    }

    fn offset(&self) -> MutexGuard<'_, SignedDuration> {
        self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(own: Timestamp, offset: SignedDuration) -> Timestamp {
    own.checked_add(offset).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_server_s_time_is_taken_unless_the_network_explains_the_difference() {
        let own = Arc::new(Mutex::new(at(1_000_000)));
        let shown = Arc::clone(&own);
        let clock = ServerClock::new(Arc::new(move || *shown.lock().unwrap()));
        assert_eq!(clock.now(), at(1_000_000));
        clock.set(Some(at(5_000)), Duration::ZERO);
        assert_eq!(clock.now(), at(5_000));
        clock.set(Some(at(5_002)), Duration::from_secs(2));
        assert_eq!(clock.now(), at(5_000), "the answer may have taken that long");
        clock.set(None, Duration::ZERO);
        *own.lock().unwrap() = at(5_010);
        clock.set(Some(at(5_010)), Duration::from_secs(1));
        assert_eq!(
            clock.now(),
            at(5_010),
            "somebody has set the machine's clock right"
        );
    }
    /// Each of two attempts asks the machine's clock, and hears of the difference, before the other has taken it in.
    #[test]
    fn a_difference_that_two_hear_of_at_once_is_taken_in_once() {
        let asking = Arc::new((Mutex::new(0), Condvar::new()));
        let both = Arc::clone(&asking);
        let own: Clock = Arc::new(move || {
            let (count, changed) = &*both;
            let mut count = count.lock().unwrap();
            *count += 1;
            changed.notify_all();
            // Where one waits for the other's answer there are never two.
            let limit = Duration::from_millis(200);
            drop(
                changed
                    .wait_timeout_while(count, limit, |count| *count < 2)
                    .unwrap(),
            );
            at(1_000_000)
        });
        let clock = ServerClock::new(own);
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| clock.set(Some(at(5_000)), Duration::ZERO));
            }
        });
        assert_eq!(clock.now(), at(5_000));
    }
}
