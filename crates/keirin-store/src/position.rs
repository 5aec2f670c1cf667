//! Places in what is only ever added to: events and facts.
//!
//! Numbers alone become visible out of order, because a transaction draws one before it commits. A position is
//! therefore the pair of the transaction and the number, and nobody reads past the oldest transaction that still runs:
//! whatever is read in that order is complete.

use std::fmt;
use std::str::FromStr;

/// A place in a stream of events or facts. Written as `TRANSACTION-NUMBER`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The transaction that wrote it.
    pub transaction: i64,
    /// Its number in the table.
    pub number: i64,
}

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position in a stream of events or facts")]
pub struct UnknownPosition(String);

impl Position {
    /// Before the oldest that is kept.
    pub const START: Self = Self {
        transaction: 0,
        number: 0,
    };
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.transaction, self.number)
    }
}

impl FromStr for Position {
    type Err = UnknownPosition;

    fn from_str(text: &str) -> Result<Self, UnknownPosition> {
        let parsed = text.split_once('-').and_then(|(transaction, number)| {
            Some(Self {
                transaction: transaction.parse().ok().filter(|number| *number >= 0)?,
                number: number.parse().ok().filter(|number| *number >= 0)?,
            })
        });
        parsed.ok_or_else(|| UnknownPosition(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_the_way_through_text() {
        let position = Position {
            transaction: 812,
            number: 4,
        };
        assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        for text in ["", "7", "-1-2", "1--2", "a-b", "1-2-3"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
