//! The server's time, as an agent knows it whose own clock may be wrong: the times of a log lie within those of its attempt.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::Clock;

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
        let own = (self.own)();
        own.checked_add(self.offset()).unwrap_or(own)
    }

    /// Takes in the time that the server has just said, in an answer that was under way for this long at most.
    pub(crate) fn set(&self, server: Option<Timestamp>, under_way: Duration) {
        let Some(server) = server else { return };
        let difference = server.duration_since(self.now());
        let under_way = SignedDuration::try_from(under_way).unwrap_or(SignedDuration::MAX);
        if difference.abs() <= TOLERATED.saturating_add(under_way) {
            return;
        }
        let offset = self.offset().saturating_add(difference);
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
        tracing::warn!(
            "this machine's clock and the server's differ by {:#}; logs have the server's times",
            offset.abs()
        );
    }

    fn offset(&self) -> SignedDuration {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
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
}
