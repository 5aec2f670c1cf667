//! Facts: written once, and read in the order of their [positions](crate::Position).

mod behind;
mod counts;
mod git;
mod work;

pub use behind::{BehindFilter, BehindRow, Only};
pub use counts::{FactCount, TransformLag};
pub(crate) use counts::{count_anew, forget_counts};

use crate::Position;

/// The answer to a reader of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactBatch<T> {
    /// What came after the reader's position, in order, each with its own position.
    pub facts: Vec<(Position, T)>,
    /// Whether there is more that cannot be read yet because an older transaction still runs: look again in a moment.
    pub unsettled: bool,
}

/// A fact as it was read: where it stands, and whether every transaction before its own has ended.
struct Read<T> {
    position: Position,
    settled: bool,
    fact: T,
}

impl<T> Read<T> {
    fn new(transaction: i64, number: i64, settled: bool, fact: T) -> Self {
        Self {
            position: Position { transaction, number },
            settled,
            fact,
        }
    }
}

impl<T> FactBatch<T> {
    /// Those that come before the first that is not settled.
    fn settled(rows: Vec<Read<T>>) -> Self {
        let unsettled = rows.iter().any(|row| !row.settled);
        let settled = rows.into_iter().take_while(|row| row.settled);
        Self {
            facts: settled.map(|row| (row.position, row.fact)).collect(),
            unsettled,
        }
    }
}
