//! PromQL over series that somebody else has fetched: reading, formatting, evaluating. No I/O, no clock, no async.
//!
//! A text becomes a [`Query`] once; the query says [what has to be fetched](Query::selections) for a span of time;
//! [`evaluate`] then computes the whole span column by column, with each series walked once. The language is that of
//! Prometheus 3 for floats and classic histograms; `docs/promql.md` says what is left out.

mod annotation;
mod evaluate;
mod limits;
mod matchers;
mod query;
mod selection;
mod source;
mod syntax;
mod time;

pub use evaluate::{Element, EvaluateError, QueryResult, Value, evaluate};
pub use limits::{Limit, OverLimit, QueryLimits};
pub use matchers::{BadMatcher, CompiledMatchers};
pub use query::{Query, format_query};
pub use selection::Selection;
pub use source::{Samples, SamplesError, Series, SeriesSource, SeriesSourceError};
pub use syntax::{SyntaxError, TextRange, ValueType, duration::format_duration, duration::parse_duration};
pub use time::{EvaluationTimes, Interrupt, Options};
