//! Passwords: argon2id, off the threads that answer requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::ApiError;
use crate::outside::Outside;

/// The fewest characters of a password.
pub(crate) const SHORTEST: usize = 10;

/// The most bytes of a password: enough for any sentence, too few to keep the server busy.
const LONGEST: usize = 1024;

/// Each hashing takes 19 MiB, so only a few are under way at once.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

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
pub(crate) async fn hash(password: &str, outside: &Outside) -> Result<String, ApiError> {
    check(password)?;
    let salt = outside.random::<16>();
    let password = password.to_owned();
    blocking(move || {
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
/// The hash cannot be read.
pub(crate) async fn verify(password: &str, hash: Option<&str>) -> Result<bool, ApiError> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let known = hash.is_some();
    let hash = hash.unwrap_or(NOBODY).to_owned();
    let password = password.to_owned();
    let matches = blocking(move || {
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let _turn = AT_ONCE.acquire().await.map_err(ApiError::internal)?;
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
        let hash = hash("correct horse", &Outside::real()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("correct mouse", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert!(super::hash("short", &Outside::real()).await.is_err());
    }
}
