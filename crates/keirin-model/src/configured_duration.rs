//! Durations as people write them in the configuration: `15s`, `1m30s`, `500ms`, as Prometheus has it.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::duration;

/// Reads a duration. `0` needs no unit.
///
/// # Errors
/// The text is none; the sentence says what one looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let refused = || format!("`{text}` is not a duration; write it like 15s, 1m30s or 500ms");
    let milliseconds = duration::parse(text, &duration::UNITS).map_err(|_| refused())?;
    u64::try_from(milliseconds)
        .map(Duration::from_millis)
        .map_err(|_| refused())
}

/// Reads a duration for serde.
///
/// # Errors
/// The text is no duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

/// The same where it may be left out.
pub mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    /// Reads a duration for serde, or that nothing is said.
    ///
    /// # Errors
    /// What is said is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
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
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(
            parse("15").unwrap_err(),
            "`15` is not a duration; write it like 15s, 1m30s or 500ms"
        );
    }
}
