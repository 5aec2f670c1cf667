//! The master key and what is made from it: tokens of jobs, and credentials at rest.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use keirin_model::{AttemptId, ProjectId};
use sha2::Sha256;

use crate::environment::Environment;
use crate::secret::{FETCH_TOKEN, JOB_TOKEN};

/// The length of a nonce, in bytes.
const NONCE: usize = 24;

/// What was sealed cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stored credential cannot be read: it was sealed with another master key; set the project's credential again"
)]
pub struct CannotOpen;

/// The server's master key. Everything secret at rest hangs on it, so it lies beside the database, not in it.
#[derive(Clone)]
pub struct MasterKey {
    jobs: [u8; 32],
    fetches: [u8; 32],
    credentials: [u8; 32],
}

impl MasterKey {
    /// Derives the keys of each purpose from the master key's 32 bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self {
            jobs: mac(bytes, b"keirin: tokens of jobs"),
            fetches: mac(bytes, b"keirin: tokens of steps that fetch"),
            credentials: mac(bytes, b"keirin: credentials of projects"),
        }
    }

    /// The token that proves that a call speaks for this attempt. Whether the attempt is still an agent's is asked
    /// separately, each time.
    pub fn job_token(&self, attempt: AttemptId) -> String {
        token(JOB_TOKEN, &self.jobs, attempt)
    }

    /// The attempt that a token speaks for; `None` where it is no token of this server.
    pub fn attempt_of(&self, token: &str) -> Option<AttemptId> {
        attempt_of(JOB_TOKEN, &self.jobs, token)
    }

    /// What the steps of this attempt fetch the project's mirror with. It opens nothing else.
    pub fn fetch_token(&self, attempt: AttemptId) -> String {
        token(FETCH_TOKEN, &self.fetches, attempt)
    }

    /// The attempt whose steps fetch with this token; `None` where it is no such token of this server.
    pub fn attempt_of_fetch(&self, token: &str) -> Option<AttemptId> {
        attempt_of(FETCH_TOKEN, &self.fetches, token)
    }

    /// Encrypts a project's credential; it can be opened for that project only.
    pub fn seal(&self, project: ProjectId, plain: &[u8], outside: &Environment) -> Vec<u8> {
        let nonce = outside.random::<NONCE>();
        let payload = Payload {
            msg: plain,
            aad: &project.0.to_be_bytes(),
        };
        let sealed = XChaCha20Poly1305::new(&self.credentials.into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("invariant: a credential is shorter than the cipher's limit");
        [nonce.as_slice(), sealed.as_slice()].concat()
    }

    /// Opens what [`MasterKey::seal`] closed.
    ///
    /// # Errors
    /// It was sealed with another key or for another project, or it has been changed.
    pub fn open(&self, project: ProjectId, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE>().ok_or(CannotOpen)?;
        let payload = Payload {
            msg: text,
            aad: &project.0.to_be_bytes(),
        };
        XChaCha20Poly1305::new(&self.credentials.into())
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| CannotOpen)
    }
}

impl fmt::Debug for MasterKey {
    /// Shows nothing.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey")
    }
}

fn token(prefix: &str, key: &[u8; 32], attempt: AttemptId) -> String {
    let proof = URL_SAFE_NO_PAD.encode(mac(key, &attempt.0.to_be_bytes()));
    format!("{prefix}{attempt}_{proof}")
}

fn attempt_of(prefix: &str, key: &[u8; 32], token: &str) -> Option<AttemptId> {
    let (attempt, proof) = token.strip_prefix(prefix)?.split_once('_')?;
    let attempt = AttemptId::from_str(attempt).ok()?;
    let proof = URL_SAFE_NO_PAD.decode(proof).ok()?;
    let mut expected = hmac(key);
    expected.update(&attempt.0.to_be_bytes());
    expected.verify_slice(&proof).is_ok().then_some(attempt)
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("invariant: HMAC takes keys of any length")
}

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = hmac(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_job_token_speaks_for_its_attempt_and_no_other() {
        let key = MasterKey::new(&[7; 32]);
        let token = key.job_token(AttemptId(42));
        assert_eq!(key.attempt_of(&token), Some(AttemptId(42)));
        assert_eq!(key.attempt_of(&token.replace("_42_", "_43_")), None);
        assert_eq!(MasterKey::new(&[8; 32]).attempt_of(&token), None);
        assert_eq!(key.attempt_of("keirin_job_42_"), None);
    }

    #[test]
    fn a_token_to_fetch_with_is_no_token_of_a_job() {
        let key = MasterKey::new(&[7; 32]);
        let (fetch, job) = (key.fetch_token(AttemptId(42)), key.job_token(AttemptId(42)));
        assert_eq!(key.attempt_of_fetch(&fetch), Some(AttemptId(42)));
        assert_eq!((key.attempt_of(&fetch), key.attempt_of_fetch(&job)), (None, None));
        let disguised = fetch.replace(FETCH_TOKEN, JOB_TOKEN);
        assert_eq!(key.attempt_of(&disguised), None);
    }

    #[test]
    fn a_credential_opens_for_its_project_and_key_only() {
        let outside = Environment::real();
        let key = MasterKey::new(&[7; 32]);
        let sealed = key.seal(ProjectId(1), b"hush", &outside);
        assert_eq!(key.open(ProjectId(1), &sealed).unwrap(), b"hush");
        assert_eq!(key.open(ProjectId(2), &sealed), Err(CannotOpen));
        assert_eq!(
            MasterKey::new(&[8; 32]).open(ProjectId(1), &sealed),
            Err(CannotOpen)
        );
        assert_eq!(key.open(ProjectId(1), b"short"), Err(CannotOpen));
    }
}
