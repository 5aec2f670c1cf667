//! Durations as Prometheus writes them: `1h30m`, units from the largest to the smallest, each once.

/// Each unit with its milliseconds, from the largest to the smallest.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 60 * 60 * 1000),
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

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
    let mut rest = text;
    let mut units = UNITS.as_slice();
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[digits..digits + letters];
        let index = units
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let amount: i64 = match rest[..digits].parse() {
            Ok(amount) => amount,
            Err(_) if digits == 0 => return Err(wrong()),
            Err(_) => return Err("duration out of range".to_owned()),
        };
        total = amount
            .checked_mul(units[index].1)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST_MS)
            .ok_or("duration out of range")?;
        units = &units[index + 1..];
        rest = &rest[digits + letters..];
    }
    Ok(total)
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
        for wrong in ["", "5", "1m1h", "1m1m", "m", "1x", "-1m", "1.5h"] {
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
