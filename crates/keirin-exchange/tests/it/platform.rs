//! What the scripts in `scripts/platforms/` say of the servers that they start.

/// The value of a variable that the script has set.
#[expect(clippy::disallowed_methods, reason = "the environment says where the server is")]
pub(crate) fn named(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("scripts/platforms/ sets {variable}"))
}
