//! Random secrets: how they look, and the hashes that are kept of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::environment::Environment;

/// How an API token begins.
pub(crate) const API_TOKEN: &str = "keirin_api_";
/// How a join token begins.
pub(crate) const JOIN_TOKEN: &str = "keirin_join_";
/// How an agent's secret begins.
pub(crate) const AGENT_SECRET: &str = keirin_wire::agent::SECRET_PREFIX;
/// How a job's token begins.
pub(crate) const JOB_TOKEN: &str = "keirin_job_";
/// How a token begins that steps fetch the project's mirror with.
pub(crate) const FETCH_TOKEN: &str = "keirin_fetch_";

/// How much of a secret is kept in the clear, for people to tell it from others.
const SHOWN: usize = 6;

/// A new secret of 256 random bits.
pub(crate) fn draw(prefix: &str, outside: &Environment) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(outside.random::<32>()))
}

/// Whether a text has the form of a secret of this kind, as somebody else may have drawn it.
pub(crate) fn has_form(text: &str, prefix: &str) -> bool {
    let is_random = |rest: &str| {
        (43..=128).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.strip_prefix(prefix).is_some_and(is_random)
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// How a secret begins.
pub(crate) fn shown(secret: &str, prefix: &str) -> String {
    secret.chars().take(prefix.len() + SHOWN).collect()
}
