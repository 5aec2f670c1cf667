//! Durations as people write them: whole numbers with units, the largest unit first and each at most once, as in `1h30m`.

/// What a duration may be written in, the largest unit first, with its milliseconds. A year has 365 days.
pub const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It is not made of numbers with units.
    #[error("not a duration: write it like 15s, 1h30m or 7d")]
    Form,
    /// A unit stands behind a smaller one, or twice.
    #[error("not a duration: the largest unit comes first, and each once, as in 1h30m")]
    Order,
    /// It is more than can be counted.
    #[error("too long for a duration")]
    TooLong,
}

/// The milliseconds of a duration that is written in some of [`UNITS`]. One space may stand between two of its parts.
///
/// # Errors
/// The text is no duration.
pub fn parse(text: &str, units: &[(&str, i64)]) -> Result<i64, DurationError> {
    let mut milliseconds = 0_i64;
    let mut smaller = units;
    let mut rest = text;
    loop {
        let (digits, behind) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let (name, behind) = behind.split_at(behind.bytes().take_while(u8::is_ascii_alphabetic).count());
        let (unit, each) = units
            .iter()
            .find(|(unit, _)| *unit == name && !digits.is_empty())
            .ok_or(DurationError::Form)?;
        let place = smaller
            .iter()
            .position(|(left, _)| left == unit)
            .ok_or(DurationError::Order)?;
        smaller = &smaller[place + 1..];
        milliseconds = digits
            .parse::<i64>()
            .ok()
            .and_then(|number| milliseconds.checked_add(number.checked_mul(*each)?))
            .ok_or(DurationError::TooLong)?;
        if behind.is_empty() {
            return Ok(milliseconds);
        }
        rest = behind.strip_prefix(' ').unwrap_or(behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_by_example() {
        for (text, milliseconds) in [
            ("15s", 15_000),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("500ms", 500),
            ("0s", 0),
            ("1y2w3d", (365 + 14 + 3) * 86_400_000),
        ] {
            assert_eq!(parse(text, &UNITS), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for text in [
            "", "15", "s", "1x", "-1s", "1.5s", "1 s", "1s ", " 1s", "1m  1s", "½h", "1é",
        ] {
            assert_eq!(parse(text, &UNITS), Err(DurationError::Form), "{text:?}");
        }
        for text in ["1s1m", "1s1s", "1s 1s"] {
            assert_eq!(parse(text, &UNITS), Err(DurationError::Order), "{text}");
        }
        for text in [
            "99999999999999999999s",
            "9999999999y",
            "290000000y 9000000000000000000ms",
        ] {
            assert_eq!(parse(text, &UNITS), Err(DurationError::TooLong), "{text}");
        }
        assert_eq!(
            parse("1w", &UNITS[2..]),
            Err(DurationError::Form),
            "a unit that may not be written"
        );
    }
}
