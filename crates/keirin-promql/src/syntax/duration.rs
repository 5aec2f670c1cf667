//! Durations as Prometheus writes them: `1h30m`, units from the largest to the smallest, each once.

use keirin_model::duration::{self, DurationError, UNITS};

/// The longest duration, in milliseconds: some 292 years, which is 2^63 nanoseconds.
pub(crate) const LONGEST_MS: i64 = i64::MAX / 1_000_000;

/// The milliseconds of a duration such as `1h30m`, or `0`.
///
/// # Errors
/// It is not a duration, or too long.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err("empty duration string".to_owned());
    }
    let wrong = || format!("not a valid duration string: {text:?}");
    if text.contains(' ') {
        return Err(wrong());
    }
    match duration::parse(text, &UNITS) {
        Ok(milliseconds) if milliseconds <= LONGEST_MS => Ok(milliseconds),
        Ok(_) | Err(DurationError::TooLong) => Err("duration out of range".to_owned()),
        Err(DurationError::Form | DurationError::Order) => Err(wrong()),
    }
}

/// The duration as it is written, with no unit larger than needed to be exact: `90m` is `1h30m`, but `90d` stays.
pub fn format_duration(milliseconds: i64) -> String {
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    let mut rest = milliseconds.unsigned_abs();
    if milliseconds < 0 {
        text.push('-');
    }
    for (unit, size) in UNITS {
        let size = size.unsigned_abs();
        // Years and weeks only where nothing is left: people read `32d` better than `4w4d`.
        let exact_only = matches!(unit, "y" | "w");
        if rest >= size && (!exact_only || rest.is_multiple_of(size)) {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_from_the_largest_to_the_smallest() {
        assert_eq!(parse_duration("1h30m"), Ok(5_400_000));
        assert_eq!(parse_duration("10s53ms"), Ok(10_053));
        assert_eq!(parse_duration("0"), Ok(0));
        for wrong in ["", "5", "1m1h", "1m1m", "m", "1x", "-1m", "1.5h", "1h 30m"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_duration("300y"), Err("duration out of range".to_owned()));
    }

    #[test]
    fn a_duration_is_written_in_the_largest_exact_units() {
        for (milliseconds, text) in [
            (0, "0s"),
            (5_400_000, "1h30m"),
            (90 * 86_400_000, "90d"),
            (14 * 86_400_000, "2w"),
            (365 * 86_400_000, "1y"),
            (-1_001, "-1s1ms"),
        ] {
            assert_eq!(format_duration(milliseconds), text);
        }
    }
}
