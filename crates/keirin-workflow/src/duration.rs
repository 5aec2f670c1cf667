//! Durations as people write them: `30m`, `1h 30m`, `90s`, `2d`.

use jiff::SignedDuration;
use keirin_model::duration;

/// The longest timeout and the longest interval.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What a duration looks like, for the schema; [`parse`] takes exactly this.
pub(crate) const PATTERN: &str = "^[0-9]+[dhms]( ?[0-9]+[dhms])*$";

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("is not a duration such as `30m`, `1h 30m` or `2d`")]
    Form,
    #[error("names its units out of order: days, hours, minutes, seconds, each once")]
    Order,
    #[error("is no time at all")]
    Zero,
    #[error("is longer than 7 days")]
    TooLong,
}

impl DurationError {
    /// What to do about it.
    pub(crate) const fn help(self) -> Option<&'static str> {
        match self {
            Self::Form | Self::Order => Some("write it like `1h 30m`"),
            Self::Zero => Some("leave it out where there is no limit of your own"),
            Self::TooLong => Some("7 days are the most"),
        }
    }
}

/// Reads a duration of more than nothing and at most [`LONGEST`].
pub(crate) fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    let milliseconds = duration::parse(text, units()).map_err(|error| match error {
        duration::DurationError::Form => DurationError::Form,
        duration::DurationError::Order => DurationError::Order,
        duration::DurationError::TooLong => DurationError::TooLong,
    })?;
    match SignedDuration::from_millis(milliseconds) {
        SignedDuration::ZERO => Err(DurationError::Zero),
        duration if duration > LONGEST => Err(DurationError::TooLong),
        duration => Ok(duration),
    }
}

/// Days, hours, minutes and seconds.
fn units() -> &'static [(&'static str, i64)] {
    &duration::UNITS[2..6]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let minutes = |text| parse(text).map(|duration| duration.as_mins());
        assert_eq!(minutes("30m"), Ok(30));
        assert_eq!(minutes("1h 30m"), Ok(90));
        assert_eq!(minutes("1h30m"), Ok(90));
        assert_eq!(minutes("90s"), Ok(1));
        assert_eq!(minutes("2d"), Ok(2 * 24 * 60));
        assert_eq!(minutes("7d"), Ok(7 * 24 * 60));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for text in [
            "", "30", "m", "1.5h", "-1h", "1h ", " 1h", "1h  2m", "1w", "½h", "1é",
        ] {
            assert_eq!(parse(text), Err(DurationError::Form), "{text:?}");
        }
        assert_eq!(parse("30m 1h"), Err(DurationError::Order));
        assert_eq!(parse("1h 1h"), Err(DurationError::Order));
        assert_eq!(parse("0s"), Err(DurationError::Zero));
        assert_eq!(parse("8d"), Err(DurationError::TooLong));
        for text in ["1234567890s", "999999999d 999999999h", "99999999999999999999d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }
}
