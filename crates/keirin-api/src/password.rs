//! Passwords: argon2id, off the threads that answer requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::environment::Environment;
use crate::error::ApiError;

/// The fewest characters of a password.
pub(crate) const SHORTEST: usize = 10;

/// The most bytes of a password: enough for any sentence, too few to keep the server busy.
const LONGEST: usize = 1024;

/// Each hashing takes 19 MiB, so only a few are under way at once.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// One more is kept for those who have signed in before, so that strangers do not keep them waiting.
static FOR_FAMILIAR: Semaphore = Semaphore::const_new(1);

/// How many strangers may wait for their turn.
static QUEUE: Semaphore = Semaphore::const_new(64);

/// A hash of a password that nobody has, for names that nobody has: so both take the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$a2VpcmluIG5vYm9keSE$8a6Ku0UTxJKCPYyzGJGJU1lVrBsFBH2NyL7MmU2mFAQ";

/// Refuses a password that is too short or too long.
///
/// # Errors
/// Says what it must be.
pub(crate) fn check(password: &str) -> Result<(), ApiError> {
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(ApiError::invalid(
            format!("A password has {SHORTEST} to {LONGEST} characters."),
            "Choose a longer one: a few words that nobody would put together.",
        ));
    }
    Ok(())
}

/// The hash of a password, in PHC's form.
///
/// # Errors
/// The password is too short or too long.
pub(crate) async fn hash(password: &str, outside: &Environment) -> Result<String, ApiError> {
    check(password)?;
    let salt = outside.random::<16>();
    let password = password.to_owned();
    blocking(&AT_ONCE, move || {
        Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash: argon2::password_hash::phc::PasswordHash| hash.to_string())
            .map_err(ApiError::internal)
    })
    .await?
}

/// Whether a password is the one with this hash. Without a hash it takes as long and says no.
///
/// # Errors
/// The hash cannot be read, or too many strangers are asking at once.
pub(crate) async fn verify(password: &str, hash: Option<&str>, is_familiar: bool) -> Result<bool, ApiError> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let known = hash.is_some();
    let hash = hash.unwrap_or(NOBODY).to_owned();
    let password = password.to_owned();
    let _place = match is_familiar {
        true => None,
        false => Some(
            QUEUE
                .try_acquire()
                .map_err(|_| ApiError::unavailable("Too many people are signing in at the moment."))?,
        ),
    };
    let turns = if is_familiar { &FOR_FAMILIAR } else { &AT_ONCE };
    let matches = blocking(turns, move || {
        let hash = PasswordHash::new(&hash).map_err(ApiError::internal)?;
        Ok::<_, ApiError>(
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok(),
        )
    })
    .await??;
    Ok(matches && known)
}

async fn blocking<T: Send + 'static>(
    turns: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let turn = turns.acquire().await.map_err(ApiError::internal)?;
    // Work that has begun goes on when nobody waits for it any more, so the turn is the work's.
    let work = move || {
        let done = work();
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let hash = hash("correct horse", &Environment::real()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        for is_familiar in [false, true] {
            let verify = async |password, hash| verify(password, hash, is_familiar).await.unwrap();
            assert!(verify("correct horse", Some(hash.as_str())).await);
            assert!(!verify("correct mouse", Some(hash.as_str())).await);
            assert!(!verify("correct horse", None).await);
        }
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_costs_as_much_as_one_that_somebody_has() {
        let known = hash("correct horse", &Environment::real()).await.unwrap();
        let [known, nobody] = [known.as_str(), NOBODY].map(|hash| {
            let hash = PasswordHash::new(hash).unwrap();
            (hash.algorithm.to_string(), hash.version, hash.params.to_string())
        });
        assert_eq!(known, nobody);
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert!(super::hash("short", &Environment::real()).await.is_err());
    }
}
