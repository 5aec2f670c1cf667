//! Which names need no quotes.

/// Whether a metric's name can be written without quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_plain_metric(name: &str) -> bool {
    is_plain(name, |byte| byte == b':')
}

/// Whether a label's name can be written without quotes: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_plain_label(name: &str) -> bool {
    is_plain(name, |_| false)
}

fn is_plain(name: &str, also: impl Fn(u8) -> bool) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || also(byte);
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| letter(*first))
        && bytes.iter().all(|byte| letter(*byte) || byte.is_ascii_digit())
}

/// The name as a reader without quotes can take it: every other character is `_`. Two names may become one.
pub(super) fn plain_metric(name: &str) -> String {
    plain(name, |character| character == ':')
}

/// The same of a label's name.
pub(super) fn plain_label(name: &str) -> String {
    plain(name, |_| false)
}

fn plain(name: &str, also: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(name.len() + 1);
    for (index, character) in name.chars().enumerate() {
        if index == 0 && character.is_ascii_digit() {
            plain.push('_');
        }
        let keeps = character.is_ascii_alphanumeric() || character == '_' || also(character);
        plain.push(if keeps { character } else { '_' });
    }
    if plain.is_empty() {
        plain.push('_');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_quotes() {
        assert!(is_plain_metric("job:rate5m") && is_plain_metric("_a1"));
        assert!(!is_plain_label("job:rate5m") && is_plain_label("le"));
        for name in ["", "1a", "a.b", "ä", "a b"] {
            assert!(!is_plain_metric(name), "{name}");
        }
        assert_eq!(plain_metric("http.server:näme"), "http_server:n_me");
        assert_eq!(plain_label("1:a"), "_1_a");
        assert_eq!(plain_label(""), "_");
    }
}
