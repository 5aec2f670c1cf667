//! String literals: bytes, because an escape can name any byte.

use std::fmt::Write as _;

/// What stands between the quotes, or what is wrong, and how many bytes into it.
pub(crate) fn unquote(inner: &str, quote: char) -> Result<Vec<u8>, (usize, String)> {
    if quote == '`' {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            let mut buffer = [0; 4];
            bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        let Some((_, escape)) = characters.next() else {
            return Err((at, "escape sequence not terminated".to_owned()));
        };
        let (radix, first, digits) = match escape {
            'a' => (0, 0x07, 0),
            'b' => (0, 0x08, 0),
            'f' => (0, 0x0c, 0),
            'n' => (0, 0x0a, 0),
            'r' => (0, 0x0d, 0),
            't' => (0, 0x09, 0),
            'v' => (0, 0x0b, 0),
            '\\' => (0, u32::from('\\'), 0),
            _ if escape == quote => (0, u32::from(quote), 0),
            '0'..='7' => (8, escape.to_digit(8).unwrap_or_default(), 2),
            'x' => (16, 0, 2),
            'u' => (16, 0, 4),
            'U' => (16, 0, 8),
            _ => return Err((at, format!("unknown escape sequence \\{escape}"))),
        };
        let mut code = first;
        for _ in 0..digits {
            let digit = characters
                .next()
                .and_then(|(_, digit)| digit.to_digit(radix))
                .ok_or_else(|| (at, "illegal character in escape sequence".to_owned()))?;
            code = code.wrapping_mul(radix) + digit;
        }
        match (escape, u8::try_from(code), char::from_u32(code)) {
            ('u' | 'U', _, Some(character)) => {
                let mut buffer = [0; 4];
                bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
            ('u' | 'U', _, None) | (_, Err(_), _) => {
                return Err((at, "escape sequence is an invalid Unicode code point".to_owned()));
            }
            (_, Ok(byte), _) => bytes.push(byte),
        }
    }
    Ok(bytes)
}

/// In double quotes, so that it reads as one line and says the same when it is read again.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\u{7}' => text.push_str("\\a"),
                '\u{8}' => text.push_str("\\b"),
                '\u{b}' => text.push_str("\\v"),
                '\u{c}' => text.push_str("\\f"),
                character if character.is_ascii_control() => {
                    let _ = write!(text, "\\x{:02x}", u32::from(character));
                }
                character if character.is_control() => {
                    let _ = write!(text, "\\u{:04x}", u32::from(character));
                }
                character => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push('"');
    text
}

/// Whether a label or metric of this name can be written without quotes.
pub(crate) fn is_plain_label(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_written() {
        assert_eq!(
            unquote(r#"a\n\x41\101\u00e4\U0001F600\""#, '"'),
            Ok("a\nAAä😀\"".as_bytes().to_vec())
        );
        assert_eq!(unquote(r"\xff", '\''), Ok(vec![0xff]));
        assert_eq!(unquote(r"a\n", '`'), Ok(b"a\\n".to_vec()));
        for wrong in [r"\q", r"\x4", r"\ud800", r"\400", "\\"] {
            assert!(unquote(wrong, '"').is_err(), "{wrong}");
        }
        assert_eq!(quote(b"a\"\\\n\x01\xff"), r#""a\"\\\n\x01\xff""#);
    }
}
