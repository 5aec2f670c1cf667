//! Why a query has no answer.

use crate::limits::OverLimit;
use crate::source::SeriesSourceError;
use crate::syntax::ValueType;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// It asks for more than is allowed.
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    /// The series could not be had.
    #[error(transparent)]
    Source(#[from] SeriesSourceError),
    /// Two series of a vector would be the same one.
    #[error("vector cannot contain metrics with the same labelset")]
    SameLabels,
    /// The series of two vectors do not match as the operator needs it.
    #[error("{0}")]
    Matching(String),
    /// An argument has a value with which the function can do nothing.
    #[error("{0}")]
    Argument(String),
    /// The times are beyond what can be calculated with.
    #[error("the time is too far away; give it in milliseconds since 1970")]
    Time,
    /// A duration that is calculated from the query's times is none.
    #[error("the duration cannot be calculated: {0}")]
    Length(&'static str),
    /// The times make no sense.
    #[error("the end must not be before the start, and the step not negative")]
    Span,
    /// A range query needs one value at each time.
    #[error("invalid expression type \"{0}\" for range query, must be scalar or instant vector")]
    RangeOf(ValueType),
    /// Whoever asked for it has ended it.
    #[error("the query was ended before it was answered")]
    Interrupted,
    /// An expression stands where one with a value at each time is needed; the types have been checked before, so this
    /// does not happen.
    #[error("the expression has no value at each time")]
    NoColumn,
}
