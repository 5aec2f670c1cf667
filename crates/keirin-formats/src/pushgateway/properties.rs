//! What holds of every path: it names a group or is refused, and what was written reads as it was.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keirin_model::series::{Labels, METRIC_NAME};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::{grouping, read_body};
use crate::text::TextLimits;

/// The path as senders write it: in base64 where the value has a slash or is empty, and where they like it.
fn path(job: &str, others: &BTreeMap<String, String>, likes_base64: bool) -> String {
    let part = |(name, value): (&str, &str)| match value {
        "" => format!("{name}@base64/="),
        _ if likes_base64 || value.contains('/') => {
            format!("{name}@base64/{}", URL_SAFE_NO_PAD.encode(value))
        }
        _ => format!("{name}/{}", utf8_percent_encode(value, NON_ALPHANUMERIC)),
    };
    let others = others.iter().map(|(name, value)| (&**name, &**value));
    let parts: Vec<_> = std::iter::once(("job", job)).chain(others).map(part).collect();
    parts.join("/")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was(
        job in "(?s).{1,8}",
        others in prop::collection::btree_map("l[a-z0-9_]{0,5}", "(?s).{0,8}", 0..5),
        likes_base64 in any::<bool>(),
    ) {
        let all = others.clone().into_iter().chain([("job".to_owned(), job.clone())]);
        let wanted = Labels::new(all).unwrap();
        prop_assert_eq!(grouping(&path(&job, &others, likes_base64)), Ok(wanted));
    }

    #[test]
    fn any_path_names_a_group_or_is_refused(
        path in prop_oneof!["(?s).{0,40}", "(job|job@base64|[a-c]|@base64|%[0-9a-fA-F]{2}|/|=|__name__){0,20}"],
    ) {
        if let Ok(labels) = grouping(&path) {
            prop_assert!(!labels.get("job").is_empty());
            prop_assert!(labels.get(METRIC_NAME).is_empty());
        }
    }

    /// Whatever is sent as protocol buffers, within its limits or not.
    #[test]
    fn any_push_is_read_or_refused(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // Fields of few numbers, so that some are those of the messages.
            prop::collection::vec((0_u8..64, prop::collection::vec(0_u8..64, 0..20)), 0..8).prop_map(|fields| {
                let field = |(tag, content): (u8, Vec<u8>)| [vec![tag, u8::try_from(content.len()).unwrap()], content].concat();
                let message: Vec<u8> = fields.into_iter().flat_map(field).collect();
                [vec![u8::try_from(message.len()).unwrap()], message].concat()
            }),
        ],
    ) {
        let limits = TextLimits { samples: 3, ..TextLimits::default() };
        if let Ok(read) = read_body("application/vnd.google.protobuf;encoding=delimited", &bytes, limits) {
            prop_assert!(read.samples.len() <= 3 && read.metadata.len() <= 3);
            prop_assert!(read.samples.iter().all(|sample| !sample.labels.metric().is_empty()));
        }
    }
}
