//! Facts: read in the order of their positions, which never skip. They are written where what they tell of is written.

mod work;

/// Facts with the position after the last of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FactPage<Fact> {
    /// In the order of their positions.
    pub facts: Vec<Fact>,
    /// The position of the last one, or the one that was asked from where there is none.
    pub position: crate::engine::Position,
}
