//! The clock and the source of randomness: handed in, so that tests move time and know every secret.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;

/// Fills with random bytes.
type Fill = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the HTTP layer takes from outside.
#[derive(Clone)]
pub struct Environment {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Fill,
}

impl Environment {
    /// A clock and a random source of one's own.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        random: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            random: Arc::new(random),
        }
    }

    /// The machine's clock and the system's randomness.
    #[expect(clippy::disallowed_methods, reason = "the adapter that reads the server's clock")]
    pub fn real() -> Self {
        Self::new(Timestamp::now, |bytes| {
            SysRng
                .try_fill_bytes(bytes)
                .expect("invariant: the system's random source works, or nothing on this machine is safe");
        })
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Random bytes that nobody can guess.
    pub fn random<const LENGTH: usize>(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        (self.random)(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
    }
}
