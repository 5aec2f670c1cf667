//! Where in a query something stands, and what is wrong there.

use std::fmt;

/// A part of a query's text, in bytes; the end is not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TextRange {
    /// Where it starts.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

impl TextRange {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this to the end of the other.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }

    /// The line and, in bytes, the column in which it starts; both count from 1.
    pub fn line_and_column(self, query: &str) -> (usize, usize) {
        let before = &query.as_bytes()[..self.start.min(query.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        (line, column)
    }
}

/// A query that is not PromQL, or not a part of it that is supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where it starts, in bytes of the query.
    pub start: usize,
    /// Where it has ended, in bytes of the query.
    pub end: usize,
    /// Whether this is PromQL, but of a kind that is not supported here.
    pub unsupported: bool,
    line: usize,
    column: usize,
}

impl SyntaxError {
    pub(crate) fn new(query: &str, place: TextRange, message: impl Into<String>) -> Self {
        let (line, column) = place.line_and_column(query);
        Self {
            message: message.into(),
            start: place.start,
            end: place.end,
            unsupported: false,
            line,
            column,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: parse error: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for SyntaxError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_place() {
        let query = "sum(\n\tä + )";
        let start = query.find(')').expect("it is there");
        let error = SyntaxError::new(query, TextRange::new(start, start + 1), "no operand");
        assert_eq!(error.to_string(), "2:7: parse error: no operand");
        assert_eq!(&query[error.start..error.end], ")");
    }
}
