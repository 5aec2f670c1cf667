//! The group that a path names: `job/JOB{/LABEL/VALUE}`, with `@base64` behind a label whose value has a slash or nothing
//! in it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keirin_model::series::Labels;
use percent_encoding::percent_decode_str;

use crate::text::is_plain_label;

/// Labels of a group.
const MOST_LABELS: usize = 32;

/// Base64 for addresses, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a path names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a job.
    #[error("the path does not begin with job/NAME; a group has at least that label")]
    NoJob,
    /// The last label has no value.
    #[error("the label `{0}` has no value behind it in the path; write an empty one as {0}@base64/=")]
    NoValue(String),
    /// A name is no label's, or one that is kept for the server itself.
    #[error("`{0}` in the path is not a label that a group may have")]
    Name(String),
    /// A label is there twice.
    #[error("the label `{0}` is in the path twice")]
    Duplicate(String),
    /// A value cannot be read.
    #[error("the value of `{0}` in the path is not {1}")]
    Value(String, &'static str),
    /// There are too many.
    #[error("the path has more than {MOST_LABELS} labels")]
    TooMany,
}

/// The labels that a group has in common. The path is the part of the address behind `/metrics/`, as it was sent.
///
/// # Errors
/// It names no group.
pub fn grouping(path: &str) -> Result<Labels, PathError> {
    let mut labels = BTreeMap::new();
    let mut parts = path.split('/');
    while let Some(part) = parts.next() {
        let (name, base64) = match part.strip_suffix("@base64") {
            Some(name) => (name, true),
            None => (part, false),
        };
        if labels.is_empty() && name != "job" {
            return Err(PathError::NoJob);
        }
        if !is_plain_label(name) || name.starts_with("__") {
            return Err(PathError::Name(name.chars().take(40).collect()));
        }
        let value = parts.next().filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| PathError::NoValue(name.to_owned()))?;
        let value = read(name, value, base64)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(PathError::Duplicate(name.to_owned()));
        }
        if labels.len() > MOST_LABELS {
            return Err(PathError::TooMany);
        }
    }
    let labels = Labels::new(labels).expect("a map has each name once");
    if labels.get("job").is_empty() {
        Err(PathError::NoJob)
    } else {
        Ok(labels)
    }
}

fn read(name: &str, value: &str, base64: bool) -> Result<String, PathError> {
    let refused = |what| PathError::Value(name.to_owned(), what);
    let decoded: Vec<u8> = percent_decode_str(value).collect();
    let bytes = match (base64, &*decoded) {
        (false, _) => decoded,
        // An empty value has no letters; a part of a path needs one.
        (true, b"=") => Vec::new(),
        (true, letters) => BASE64
            .decode(letters)
            .map_err(|_| refused("Base64 for addresses"))?,
    };
    String::from_utf8(bytes).map_err(|_| refused("UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        grouping(path).map_or_else(|error| error.to_string(), |labels| labels.to_string())
    }

    /// The examples of the Pushgateway's own page, and what it refuses.
    #[test]
    fn groups_by_example() {
        for (path, group) in [
            ("job/some_job", r#"{job="some_job"}"#),
            (
                "job/some_job/instance/some_instance",
                r#"{instance="some_instance", job="some_job"}"#,
            ),
            (
                "job/directory_cleaner/path@base64/L3Zhci90bXA",
                r#"{job="directory_cleaner", path="/var/tmp"}"#,
            ),
            (
                "job/directory_cleaner/path@base64/L3Zhci90bXA=",
                r#"{job="directory_cleaner", path="/var/tmp"}"#,
            ),
            (
                "job/example/first_label@base64/=/second_label/foobar",
                r#"{job="example", second_label="foobar"}"#,
            ),
            (
                "job/titan/name/%CE%A0%CF%81%CE%BF",
                r#"{job="titan", name="Προ"}"#,
            ),
            ("job@base64/YQ", r#"{job="a"}"#),
            (
                "",
                "the path does not begin with job/NAME; a group has at least that label",
            ),
            (
                "instance/a/job/b",
                "the path does not begin with job/NAME; a group has at least that label",
            ),
            (
                "job@base64/=",
                "the path does not begin with job/NAME; a group has at least that label",
            ),
            (
                "job/",
                "the label `job` has no value behind it in the path; write an empty one as job@base64/=",
            ),
            (
                "job/a/path",
                "the label `path` has no value behind it in the path; write an empty one as path@base64/=",
            ),
            ("job/a//b", "`` in the path is not a label that a group may have"),
            (
                "job/a/__name__/b",
                "`__name__` in the path is not a label that a group may have",
            ),
            ("job/a/b/c/b/d", "the label `b` is in the path twice"),
            (
                "job/a/b@base64/***",
                "the value of `b` in the path is not Base64 for addresses",
            ),
            ("job/a/b/%ff", "the value of `b` in the path is not UTF-8"),
        ] {
            assert_eq!(shown(path), group, "{path}");
        }
        let many: String = (0..40).map(|number| format!("/label{number}/x")).collect();
        assert_eq!(shown(&format!("job/a{many}")), "the path has more than 32 labels");
    }
}
