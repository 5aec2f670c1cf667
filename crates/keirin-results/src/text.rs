//! Text out of hostile files: decoded, unescaped and cut, without ever failing.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A name of a suite or a test case is cut to this many bytes.
pub(crate) const NAME_BYTES: usize = 1024;

/// The declaration of an XML file ends within this many bytes.
const DECLARATION_BYTES: usize = 1024;

/// A message is cut to this many bytes.
pub(crate) const MESSAGE_BYTES: usize = 8 * 1024;

/// The bytes of an XML file as text: by its byte-order mark, else as UTF-16 where its first bytes are that, else by the
/// encoding that it declares, else as UTF-8. What is not valid is replaced.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let encoding = match bytes {
        [b'<', 0, ..] => UTF_16LE,
        [0, b'<', ..] => UTF_16BE,
        _ => declared_encoding(bytes),
    };
    encoding.decode(bytes).0
}

/// The encoding in the declaration at the start of an XML file. A declaration that can be read is not in UTF-16, even
/// where it says so, as that of .NET's writers of strings does.
fn declared_encoding(bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..DECLARATION_BYTES).unwrap_or(bytes);
    let declared = || {
        let declaration = head.trim_ascii_start().strip_prefix(b"<?xml")?;
        let end = declaration.windows(2).position(|pair| pair == b"?>")?;
        let declaration = str::from_utf8(&declaration[..end]).ok()?;
        let value = declaration
            .split_once("encoding")?
            .1
            .trim_start()
            .strip_prefix('=')?
            .trim_start();
        let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        let label = value[1..].split(quote).next()?;
        Encoding::for_label(label.as_bytes())
    };
    declared()
        .filter(|encoding| ![UTF_16LE, UTF_16BE].contains(encoding))
        .unwrap_or(UTF_8)
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
