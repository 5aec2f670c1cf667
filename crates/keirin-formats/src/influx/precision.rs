//! In what the times of lines are counted.

use std::str::FromStr;

/// In what the times of lines are counted, since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `ns`, or `n` in version 1. What holds where nothing is said.
    #[default]
    Nanoseconds,
    /// `us`, or `u` in version 1.
    Microseconds,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `m`, in version 1 only.
    Minutes,
    /// `h`, in version 1 only.
    Hours,
}

/// There is no such precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no precision `{0}`; there are ns, us, ms, s, m and h")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "" | "n" | "ns" => Self::Nanoseconds,
            "u" | "us" | "µ" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            _ => return Err(UnknownPrecision(text.chars().take(20).collect())),
        })
    }
}

impl Precision {
    /// A time as milliseconds since 1970, rounded down; `None` where those would not fit.
    pub const fn milliseconds(self, time: i64) -> Option<i64> {
        match self {
            Self::Nanoseconds => Some(time.div_euclid(1_000_000)),
            Self::Microseconds => Some(time.div_euclid(1_000)),
            Self::Milliseconds => Some(time),
            Self::Seconds => time.checked_mul(1_000),
            Self::Minutes => time.checked_mul(60_000),
            Self::Hours => time.checked_mul(3_600_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_by_example() {
        for (name, time, milliseconds) in [
            ("", 1_500_000, Some(1)),
            ("ns", -1, Some(-1)),
            ("u", 1_999, Some(1)),
            ("ms", 7, Some(7)),
            ("s", 2, Some(2_000)),
            ("m", 1, Some(60_000)),
            ("h", i64::MAX, None),
        ] {
            assert_eq!(
                name.parse::<Precision>().unwrap().milliseconds(time),
                milliseconds,
                "{name}"
            );
        }
        assert_eq!(
            "days".parse::<Precision>().unwrap_err().to_string(),
            "there is no precision `days`; there are ns, us, ms, s, m and h"
        );
    }
}
