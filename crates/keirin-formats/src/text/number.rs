//! Values and times as the formats write them.

use std::fmt::{self, Write};

/// A value: a decimal number, `NaN`, `Inf` or `Infinity` with or without a sign, in any case of letters.
pub(super) fn read_value(text: &str) -> Option<f64> {
    // What Rust takes is what the formats take: no hexadecimal number, no underscore, no room around it.
    text.parse().ok()
}

/// Milliseconds since 1970, as a whole number.
pub(super) fn read_milliseconds(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Seconds since 1970, with a fraction where there is one, as milliseconds; finer parts are rounded.
pub(super) fn read_seconds(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    let milliseconds = (seconds * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
    (milliseconds.abs() < 9.0e15).then_some(milliseconds as i64)
}

/// The shortest text that reads as the same value.
pub(super) fn write_value(out: &mut String, value: f64) -> fmt::Result {
    if value.is_nan() {
        out.write_str("NaN")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if value != 0.0 && !(1e-6..1e15).contains(&value.abs()) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    }
}

/// Milliseconds as seconds with a fraction.
pub(super) fn write_seconds(out: &mut String, time_ms: i64) -> fmt::Result {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (seconds, rest) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    write!(out, "{sign}{seconds}")?;
    if rest > 0 {
        write!(out, ".{rest:03}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_example() {
        let written = |value: f64| {
            let mut text = String::new();
            write_value(&mut text, value).unwrap();
            text
        };
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (1e300, "1e300"),
            (2.5e-9, "2.5e-9"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(written(value), text);
            assert_eq!(read_value(text).unwrap().to_bits(), value.to_bits());
        }
        assert!(read_value(&written(f64::NAN)).unwrap().is_nan());
        assert_eq!(read_value("-inf"), Some(f64::NEG_INFINITY));
        for text in ["", "0x10", "1_000", "one", " 1"] {
            assert_eq!(read_value(text), None, "{text:?}");
        }
    }

    #[test]
    fn times_by_example() {
        for (time_ms, text) in [
            (0, "0"),
            (1_500, "1.500"),
            (-1, "-0.001"),
            (1_395_066_363_007, "1395066363.007"),
        ] {
            let mut written = String::new();
            write_seconds(&mut written, time_ms).unwrap();
            assert_eq!(written, text);
            assert_eq!(read_seconds(text), Some(time_ms));
        }
        assert_eq!(read_seconds("1e300"), None);
        assert_eq!(read_seconds("NaN"), None);
        assert_eq!(read_milliseconds("1.5"), None);
    }
}
