//! Takes secrets out of a stream of bytes, also where one lies across two reads, and in encoded forms.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What stands in place of a secret.
const MASK: &[u8] = b"***";

/// An encoded form or a single line of a secret is masked only from this length on: shorter ones are words of any log.
const SHORTEST_FORM: usize = 8;

/// The texts that no log may show, in all forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks {
    /// By first byte, so that a byte which begins no secret costs one look.
    by_first: Arc<Vec<Vec<Box<[u8]>>>>,
}

impl Masks {
    pub(crate) fn new(secrets: &[String]) -> Self {
        let forms: BTreeSet<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        if forms.is_empty() {
            return Self::default();
        }
        let mut by_first = vec![Vec::new(); 256];
        for form in forms {
            by_first[usize::from(form[0])].push(form.into_boxed_slice());
        }
        Self {
            by_first: Arc::new(by_first),
        }
    }

    fn beginning_with(&self, first: u8) -> &[Box<[u8]>] {
        self.by_first.get(usize::from(first)).map_or(&[], Vec::as_slice)
    }

    /// A whole text without its secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut masker = Masker::new(self.clone());
        let mut clean = Vec::with_capacity(text.len());
        masker.push(text.as_bytes(), &mut clean);
        masker.finish(&mut clean);
        // Secrets are valid text, so only whole characters were taken out.
        String::from_utf8_lossy(&clean).into_owned()
    }
}

/// One stream on its way through the masks.
pub(crate) struct Masker {
    masks: Masks,
    /// Bytes that may be the beginning of a secret.
    held: Vec<u8>,
    /// How many of the next bytes belong to a secret that has been seen already.
    covered: usize,
}

impl Masker {
    pub(crate) fn new(masks: Masks) -> Self {
        Self {
            masks,
            held: Vec::new(),
            covered: 0,
        }
    }

    /// Takes bytes in and gives out those that are certain.
    pub(crate) fn push(&mut self, bytes: &[u8], clean: &mut Vec<u8>) {
        if self.masks.by_first.is_empty() {
            clean.extend_from_slice(bytes);
            return;
        }
        self.held.extend_from_slice(bytes);
        let settled = self.settle(clean, false);
        self.held.drain(..settled);
    }

    /// The stream is over: what was held back was no secret, or only a part of one.
    pub(crate) fn finish(&mut self, clean: &mut Vec<u8>) {
        self.settle(clean, true);
        self.held.clear();
        self.covered = 0;
    }

    /// Goes over the held bytes up to the first that may yet begin a secret; returns how many are settled. Secrets that
    /// overlap are covered together, with one mask.
    fn settle(&mut self, clean: &mut Vec<u8>, is_last: bool) -> usize {
        for place in 0..self.held.len() {
            let rest = &self.held[place..];
            let candidates = self.masks.beginning_with(rest[0]);
            let may_continue = |form: &[u8]| form.len() > rest.len() && form.starts_with(rest);
            if !is_last && candidates.iter().any(|form| may_continue(form)) {
                return place;
            }
            let longest = candidates
                .iter()
                .filter(|form| rest.starts_with(form))
                .map(|form| form.len())
                .max();
            if let Some(length) = longest {
                if self.covered == 0 {
                    clean.extend_from_slice(MASK);
                }
                self.covered = self.covered.max(length);
            }
            match self.covered {
                0 => clean.push(rest[0]),
                _ => self.covered -= 1,
            }
        }
        self.held.len()
    }
}

/// A secret as itself, line by line, and as programs encode it.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let bytes = secret.as_bytes();
    let mut forms = vec![bytes.to_vec()];
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= SHORTEST_FORM);
    forms.extend(lines.map(|line| line.as_bytes().to_vec()));
    let json = serde_json::Value::from(secret).to_string();
    let encoded = [
        percent_encoded(bytes, false),
        percent_encoded(bytes, true),
        json.trim_matches('"').as_bytes().to_vec(),
    ];
    forms.extend(
        encoded
            .into_iter()
            .chain(base64_forms(bytes))
            .filter(|form| form.len() >= SHORTEST_FORM),
    );
    forms
}

fn percent_encoded(bytes: &[u8], in_lower_case: bool) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![*byte],
        other if in_lower_case => format!("%{other:02x}").into_bytes(),
        other => format!("%{other:02X}").into_bytes(),
    };
    bytes.iter().flat_map(encode).collect()
}

/// The part of the base64 text that is the same whatever stands around the secret, for each of the three ways in which
/// the secret can lie in groups of three bytes.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&vec![0; before], bytes].concat();
        // A digit holds six bits; those that share bits with a neighbour are left out.
        let first = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded).into_bytes();
            forms.extend(text.get(first..end).map(<[u8]>::to_vec));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(secrets: &[&str], text: &str) -> String {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        Masks::new(&secrets).clean(text)
    }

    #[test]
    fn a_secret_is_masked_in_every_form() {
        let secret = "s3cret/w0rd+with=signs";
        for before in ["", "u", "us", "user:"] {
            let standard = BASE64_STANDARD_NO_PAD.encode(format!("{before}{secret}!"));
            assert!(clean(&[secret], &standard).contains("***"), "{before}");
        }
        assert_eq!(
            clean(&[secret], &format!("url=https://u:{secret}@host")),
            "url=https://u:***@host"
        );
        assert_eq!(clean(&[secret], "s3cret%2Fw0rd%2Bwith%3Dsigns"), "***");
        assert_eq!(clean(&[secret], "s3cret%2fw0rd%2bwith%3dsigns"), "***");
        assert_eq!(
            clean(&["say \"hello\" now"], r#"{"text":"say \"hello\" now"}"#),
            r#"{"text":"***"}"#
        );
    }

    #[test]
    fn each_line_of_a_long_secret_is_masked() {
        assert_eq!(
            clean(&["-----BEGIN-----\nabcdefgh\nxy"], "1: abcdefgh\n2: xy"),
            "1: ***\n2: xy"
        );
    }

    #[test]
    fn secrets_that_overlap_are_masked_together() {
        assert_eq!(clean(&["abcd", "cdef"], "xabcdefx"), "x***x");
        assert_eq!(clean(&["ab", "abcd"], "abc abcd"), "***c ***");
    }

    #[test]
    fn no_secrets_change_nothing() {
        assert_eq!(clean(&[], "text"), "text");
        assert_eq!(clean(&[""], "text"), "text");
    }

    /// Secrets and text over a small alphabet, so that they meet often.
    fn scene() -> impl Strategy<Value = (Vec<String>, String, Vec<usize>)> {
        (
            prop::collection::vec("[abc]{1,5}", 0..4),
            "[abcd]{0,60}",
            prop::collection::vec(0..8_usize, 0..40),
        )
    }

    proptest! {
        #[test]
        fn where_a_stream_is_cut_does_not_matter((secrets, text, cuts) in scene()) {
            let masks = Masks::new(&secrets);
            let mut masker = Masker::new(masks.clone());
            let (mut pieces, mut rest) = (Vec::new(), text.as_bytes());
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                masker.push(piece, &mut pieces);
                rest = tail;
            }
            masker.push(rest, &mut pieces);
            masker.finish(&mut pieces);
            prop_assert_eq!(String::from_utf8(pieces).unwrap(), masks.clean(&text));
        }

        #[test]
        fn no_secret_comes_through_and_nothing_else_is_lost((secrets, text, _) in scene()) {
            let clean = Masks::new(&secrets).clean(&text);
            for secret in &secrets {
                prop_assert!(!clean.contains(secret.as_str()), "{} in {}", secret, clean);
            }
            // Independently: a byte goes if and only if some occurrence of a secret covers it.
            let covers = |place: usize| secrets.iter().any(|secret| {
                text.match_indices_overlapping(secret).any(|start| (start..start + secret.len()).contains(&place))
            });
            let kept: String = text.char_indices().filter(|(place, _)| !covers(*place)).map(|(_, c)| c).collect();
            prop_assert_eq!(clean.replace("***", ""), kept);
        }
    }

    trait Overlapping {
        fn match_indices_overlapping(&self, needle: &str) -> impl Iterator<Item = usize>;
    }

    impl Overlapping for String {
        fn match_indices_overlapping(&self, needle: &str) -> impl Iterator<Item = usize> {
            (0..self.len()).filter(move |start| self[*start..].starts_with(needle))
        }
    }
}
