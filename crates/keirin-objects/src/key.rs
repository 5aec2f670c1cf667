//! The name of an object: a relative path in a plain alphabet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest key, in bytes: half of what S3 allows, so that a prefix of the bucket fits before it.
const LONGEST_KEY: usize = 512;
/// Longest segment, in bytes: file systems allow 255, and a file being written has a suffix.
const LONGEST_SEGMENT: usize = 200;

/// A key such as `logs/01J.../0.zst`: segments of `A-Z a-z 0-9 - _ . = + @ ,` parted by `/`.
///
/// No segment is empty, `.` or `..`, so a key can never leave the place that it is joined to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key:?} is no object key: {reason}")]
pub struct InvalidKey {
    /// The refused text, cut at the longest key.
    pub key: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ObjectKey {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidKey`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(InvalidKey {
                key: text.chars().take(LONGEST_KEY).collect(),
                reason,
            }),
        }
    }

    /// The key one or more segments below this one.
    ///
    /// # Errors
    /// [`InvalidKey`] when the whole is no key.
    pub fn join(&self, below: &str) -> Result<Self, InvalidKey> {
        Self::parse(&format!("{}/{below}", self.0))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > LONGEST_KEY {
        return Some("it is longer than 512 bytes");
    }
    text.split('/').find_map(segment_fault)
}

fn segment_fault(segment: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+@,".contains(&byte);
    match segment {
        "" => Some("it has an empty segment (a slash at its start, at its end or doubled)"),
        "." | ".." => Some("it has a segment `.` or `..`"),
        _ if segment.len() > LONGEST_SEGMENT => Some("a segment is longer than 200 bytes"),
        _ if !segment.bytes().all(plain) => Some("it has a character other than A-Z a-z 0-9 - _ . = + @ ,"),
        _ => None,
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ObjectKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidKey;
    fn try_from(text: String) -> Result<Self, InvalidKey> {
        Self::parse(&text)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_the_program_makes_are_keys() {
        for text in [
            "a",
            "logs/01J9/0.zst",
            "artifacts/sha256=ab12/part-1",
            "..a/b..",
            "a@b,c+d_e",
        ] {
            assert_eq!(ObjectKey::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_leave_the_folder_or_confuse_a_store_is_no_key() {
        let long = "a".repeat(201);
        let longer = vec!["a".repeat(100); 6].join("/");
        for text in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "a/..",
            "a b",
            "a\\b",
            "a#1",
            "a\0",
            "é",
            "a\n",
            "%2e%2e",
            "a:b",
            &long,
            &longer,
        ] {
            assert!(ObjectKey::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn joining_checks_the_whole() {
        let logs = ObjectKey::parse("logs").unwrap();
        assert_eq!(logs.join("7/0").unwrap().as_str(), "logs/7/0");
        assert!(logs.join("../secrets").is_err());
    }

    #[test]
    fn a_key_read_from_a_document_is_checked_too() {
        let invalid = InvalidKey {
            key: "../x".into(),
            reason: "it has a segment `.` or `..`",
        };
        assert_eq!(ObjectKey::try_from("../x".to_owned()), Err(invalid));
    }
}
