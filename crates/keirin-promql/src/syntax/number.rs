//! Number literals: decimal, hexadecimal, octal, with underscores between digits, or a duration.

/// A literal at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Literal {
    Number(f64),
    /// Milliseconds.
    Duration(i64),
}

/// Reads the literal at the start of a text that starts with a digit or a dot: what it is and how long it is, or how
/// long the wrong part is and why.
pub(crate) fn read(text: &str) -> Result<(Literal, usize), (usize, String)> {
    let bytes = text.as_bytes();
    let mut length = 0;
    while length < bytes.len() {
        let byte = bytes[length];
        // A sign belongs to it only behind the `e` of a decimal number.
        let sign = matches!(byte, b'+' | b'-')
            && length > 0
            && matches!(bytes[length - 1], b'e' | b'E')
            && !text.starts_with("0x")
            && !text.starts_with("0X")
            && bytes[..length - 1]
                .iter()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
        if !(sign || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')) {
            break;
        }
        length += 1;
    }
    let word = &text[..length];
    if let Some(number) = number(word) {
        return Ok((Literal::Number(number), length));
    }
    let is_duration = word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && word.ends_with(|last: char| "smhdwy".contains(last))
        && !word.starts_with("0x");
    if is_duration {
        return match super::duration::parse_duration(word) {
            Ok(milliseconds) => Ok((Literal::Duration(milliseconds), length)),
            Err(reason) => Err((length, reason)),
        };
    }
    Err((length, format!("bad number or duration syntax: {word:?}")))
}

/// A number, without a sign and without the words for infinity and for what is no number.
fn number(word: &str) -> Option<f64> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let digits = without_underscores(digits.strip_prefix('_').unwrap_or(digits))?;
        let number = i64::from_str_radix(&digits, 16).ok()?;
        return (!digits.starts_with(['+', '-'])).then_some(number as f64);
    }
    let digits = without_underscores(word)?;
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte))
    {
        return i64::from_str_radix(&digits, 8).ok().map(|number| number as f64);
    }
    let looks_right = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    looks_right.then(|| digits.parse().ok()).flatten()
}

/// The same without underscores, where each stands between two digits.
fn without_underscores(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let between = index > 0
            && bytes[index - 1].is_ascii_hexdigit()
            && bytes.get(index + 1).is_some_and(u8::is_ascii_hexdigit);
        if *byte == b'_' && !between {
            return None;
        }
    }
    Some(digits.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_numbers_are_read() {
        for (text, number) in [
            ("12.34e6", 12_340_000.0),
            ("2.", 2.0),
            (".5", 0.5),
            ("1e-2", 0.01),
            ("0x1F", 31.0),
            ("0x_1F", 31.0),
            ("0755", 493.0),
            ("089", 89.0),
            ("1_000_000", 1_000_000.0),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(read(text), Ok((Literal::Number(number), text.len())), "{text}");
        }
        assert_eq!(read("0x1e+2"), Ok((Literal::Number(30.0), 4)));
        assert_eq!(read("1h30m]"), Ok((Literal::Duration(5_400_000), 5)));
        for wrong in ["1__0", "1_", "1e", "0x", "5hs", "1..2", "3ab", "1m1h", "0x1.5"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
