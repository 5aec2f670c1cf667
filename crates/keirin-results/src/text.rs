//! Text out of hostile files: decoded, unescaped and cut, without ever failing.

use std::borrow::Cow;

/// A name of a suite or a test case is cut to this many bytes.
pub(crate) const NAME_BYTES: usize = 1024;

/// A message is cut to this many bytes.
pub(crate) const MESSAGE_BYTES: usize = 8 * 1024;

/// The bytes of a file as text. UTF-16 is taken where a byte-order mark says so; what is not valid is replaced.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).into(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Replaces the five entities of XML and numbered characters. Any other entity stays as it is written: a report needs
/// none, and what a document type defines is not to be trusted.
pub(crate) fn unescape(text: &str) -> String {
    let mut clear = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        clear.push_str(before);
        match after
            .split_once(';')
            .and_then(|(name, tail)| Some((entity(name)?, tail)))
        {
            Some((character, tail)) => {
                clear.push(character);
                rest = tail;
            }
            None => {
                clear.push('&');
                rest = after;
            }
        }
    }
    clear.push_str(rest);
    clear
}

/// The character that stands behind the name of an entity.
pub(crate) fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// At most `limit` bytes of a text and a mark where something is missing. NUL is replaced: no database takes it.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    let clear = text.replace('\0', "\u{fffd}");
    if clear.len() <= limit {
        return clear;
    }
    let mut kept = clear[..clear.floor_char_boundary(limit)].to_owned();
    kept.push_str(&format!(" … (cut, {} bytes in all)", clear.len()));
    kept
}

/// Seconds as reports write them: `1.5`, `1,234.5`, `0,25`, `2s`. `None` for what is not a time.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('s');
    let plain = match (text.contains('.'), text.matches(',').count()) {
        (false, 1) => text.replace(',', "."),
        _ => text.replace(',', ""),
    };
    plain
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_replaced_and_unknown_ones_stay() {
        assert_eq!(
            unescape("a &lt;b&gt; &amp;amp; &#65;&#x42; &copy; & &"),
            "a <b> &amp; AB &copy; & &"
        );
        assert_eq!(unescape("&#xD800; &#99999999999;"), "&#xD800; &#99999999999;");
    }

    #[test]
    fn a_cut_text_says_so_and_breaks_no_character() {
        assert_eq!(bounded("short", 10), "short");
        assert_eq!(bounded("ääää", 5), "ää … (cut, 8 bytes in all)");
        assert_eq!(bounded("a\0b", 10), "a\u{fffd}b");
    }

    #[test]
    fn times_are_read_in_all_their_dialects() {
        for (text, expected) in [
            ("0.25", Some(0.25)),
            (" 1,234.5 ", Some(1234.5)),
            ("0,25", Some(0.25)),
            ("2s", Some(2.0)),
            ("1e-3", Some(0.001)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
