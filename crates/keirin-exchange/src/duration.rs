//! Durations as people write them in configuration: `15s`, `1m30s`, `500ms`, as Prometheus has it.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// The units, largest first, in milliseconds; a year has 365 days.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration: whole numbers with units, the largest first, each at most once. `0` needs no unit.
///
/// # Errors
/// The text is none; the sentence says what one looks like.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is not a duration; write it like 15s, 1m30s or 500ms");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut units, mut milliseconds) = (text, UNITS.iter(), 0_u64);
    if text.is_empty() {
        return Err(refused());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let (_, worth) = units
            .by_ref()
            .find(|(name, _)| *name == unit)
            .ok_or_else(refused)?;
        let number: u64 = number.parse().map_err(|_| refused())?;
        milliseconds = number
            .checked_mul(*worth)
            .and_then(|part| milliseconds.checked_add(part))
            .ok_or_else(refused)?;
        rest = tail;
    }
    Ok(Duration::from_millis(milliseconds))
}

/// For `#[serde(with = "crate::duration")]`.
///
/// # Errors
/// The text is no duration.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

/// The same where it may be left out.
pub(crate) mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    /// Reads a duration for serde, or that nothing is said.
    ///
    /// # Errors
    /// What is said is no duration.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| super::parse(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_by_example() {
        for (text, milliseconds) in [
            ("0", 0),
            ("15s", 15_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1d", 86_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in [
            "",
            "15",
            "s",
            "1s1m",
            "1s1s",
            "-1s",
            "1.5s",
            "99999999999999999y",
            "1 s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
