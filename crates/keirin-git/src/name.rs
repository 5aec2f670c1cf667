//! Names that come from outside: commits, branches, revisions and paths, checked before git sees them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name of a branch or tag, in bytes: it is a file name with a suffix in git's own storage.
const LONGEST_REFERENCE: usize = 240;
/// Longest path in a repository, in bytes.
const LONGEST_PATH: usize = 4096;

/// Why a text is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {reason}")]
pub struct InvalidName {
    /// The refused text, shortened.
    pub text: String,
    /// What it was to be.
    pub what: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

fn refuse(text: &str, what: &'static str, reason: &'static str) -> InvalidName {
    InvalidName {
        text: text.chars().take(100).collect(),
        what,
        reason,
    }
}

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The checked text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

/// The full id of a commit: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);
text_type!(CommitId);

impl CommitId {
    /// Checks an id; upper case is taken and lowered.
    ///
    /// # Errors
    /// [`InvalidName`] for anything but 40 or 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if !matches!(text.len(), 40 | 64) {
            return Err(refuse(text, "commit id", "a full id has 40 or 64 digits"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse(text, "commit id", "only 0-9 and a-f may stand in it"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

/// The name of a branch, by git's own rules (`git check-ref-format --branch`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BranchName(String);
text_type!(BranchName);

impl BranchName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fault = match text {
            "HEAD" => Some("git uses it for the present commit"),
            _ if text.starts_with('-') => Some("git would take it for an option"),
            _ => reference_fault(text),
        };
        fault.map_or_else(
            || Ok(Self(text.to_owned())),
            |reason| Err(refuse(text, "branch name", reason)),
        )
    }

    pub(crate) fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

/// What a person names a commit by: `HEAD`, a branch, a tag, or a commit id of four digits and more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(String);
text_type!(Revision);

impl Revision {
    /// Checks a revision. Git's expressions (`main~3`, `v1..v2`, `:/text`) are refused.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fault = if text.starts_with('-') {
            Some("git would take it for an option")
        } else {
            reference_fault(text)
        };
        fault.map_or_else(
            || Ok(Self(text.to_owned())),
            |reason| Err(refuse(text, "branch, tag or commit", reason)),
        )
    }

    pub(crate) fn is_shortened_id(&self) -> bool {
        (4..64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// A path inside a repository, from its root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(String);
text_type!(TreePath);

impl TreePath {
    /// Checks a path.
    ///
    /// # Errors
    /// [`InvalidName`] for absolute paths, `.`, `..`, empty segments and control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fault = if text.len() > LONGEST_PATH {
            Some("it is longer than 4096 bytes")
        } else if text.starts_with('/') {
            Some("it must start at the root of the repository, without a slash")
        } else if text.chars().any(char::is_control) {
            Some("it holds a control character")
        } else if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            Some("it has an empty segment, `.` or `..`")
        } else {
            None
        };
        fault.map_or_else(
            || Ok(Self(text.to_owned())),
            |reason| Err(refuse(text, "path in a repository", reason)),
        )
    }
}

/// The rules that git holds the part after `refs/heads/` or `refs/tags/` to.
pub(crate) fn reference_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > LONGEST_REFERENCE {
        return Some("it is longer than 240 bytes");
    }
    if name
        .bytes()
        .any(|byte| byte < 0x20 || byte == 0x7f || b" ~^:?*[\\".contains(&byte))
    {
        return Some("it holds a space, a control character or one of ~ ^ : ? * [ \\");
    }
    if name == "@" || name.contains("@{") {
        return Some("it is `@` or holds `@{`");
    }
    if name.contains("..") || name.ends_with('.') {
        return Some("it holds `..` or ends with a dot");
    }
    name.split('/').find_map(|segment| match segment {
        "" => Some("it has an empty segment (a slash at its start, at its end or doubled)"),
        _ if segment.starts_with('.') => Some("a segment begins with a dot"),
        _ if segment.ends_with(".lock") => Some("a segment ends with `.lock`"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names_follow_gits_rules() {
        for name in [
            "main",
            "release/1.2",
            "feature/ä",
            "$(touch${IFS}x)",
            "a@b",
            "a-b_c.d",
        ] {
            assert!(BranchName::parse(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "-x",
            "HEAD",
            "@",
            "a b",
            "$(touch x)",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a.lock",
            "a.lock/b",
            "a@{1}",
            "a\u{7f}",
        ] {
            assert!(BranchName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn revisions_are_names_not_expressions() {
        for text in ["HEAD", "main", "v1.0", "0a1b2c3", "refs/heads/main"] {
            assert!(Revision::parse(text).is_ok(), "{text}");
        }
        for text in ["--output=x", "main~3", "a..b", ":/text", "main:file", "@{-1}"] {
            assert!(Revision::parse(text).is_err(), "{text}");
        }
        assert!(Revision::parse("0a1b").unwrap().is_shortened_id());
        assert!(!Revision::parse("0a1").unwrap().is_shortened_id());
    }

    #[test]
    fn commit_ids_are_whole_and_lowered() {
        let text = "ABCDEF0123456789abcdef0123456789abcdef01";
        assert_eq!(CommitId::parse(text).unwrap().as_str(), text.to_lowercase());
        assert_eq!(CommitId::parse(text).unwrap().short(), "abcdef0123");
        assert!(CommitId::parse("abc").is_err());
        assert!(CommitId::parse(&"g".repeat(40)).is_err());
    }

    #[test]
    fn paths_stay_in_the_repository() {
        for text in [".keirin.yaml", "a/b c/d", "-x", "a:b"] {
            assert!(TreePath::parse(text).is_ok(), "{text}");
        }
        for text in ["", "/a", "../a", "a/../b", "a//b", "a/", "a\nb", "./a"] {
            assert!(TreePath::parse(text).is_err(), "{text}");
        }
    }
}
