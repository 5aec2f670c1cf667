//! How much a query may ask for. Whoever asks for more gets an error that names the limit.

use std::fmt;

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Bytes of a query's text.
    QueryLength,
    /// How deep expressions stand in one another. A chain of n operators is n deep.
    Nesting,
    /// Steps of a range query, which is the most points that a series of its result can have.
    PointsPerSeries,
    /// Samples that are read from series or computed on the way to the result, all together.
    Samples,
    /// Values that functions of ranges look at, all together: one within the ranges of many steps counts for each.
    RangeValues,
    /// Series in any vector on the way to the result, and in the result.
    Series,
    /// Bytes of a label value that a function has put together.
    LabelLength,
    /// Bytes of memory that one compiled regular expression takes.
    RegexSize,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::QueryLength => "query length",
            Self::Nesting => "nesting",
            Self::PointsPerSeries => "points per series",
            Self::Samples => "samples",
            Self::RangeValues => "values within ranges",
            Self::Series => "series",
            Self::LabelLength => "label length",
            Self::RegexSize => "regular expression size",
        })
    }
}

/// How much of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLimits {
    /// [`Limit::QueryLength`]
    pub query_bytes: usize,
    /// [`Limit::Nesting`]
    pub nesting: usize,
    /// [`Limit::PointsPerSeries`]
    pub points_per_series: u64,
    /// [`Limit::Samples`]
    pub samples: u64,
    /// [`Limit::RangeValues`]
    pub range_values: u64,
    /// [`Limit::Series`]
    pub series: usize,
    /// [`Limit::LabelLength`]
    pub label_bytes: usize,
    /// [`Limit::RegexSize`]
    pub regex_bytes: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            query_bytes: 64 * 1024,
            nesting: 128,
            points_per_series: 11_000,
            samples: 50_000_000,
            // Some seconds of one processor.
            range_values: 10_000_000_000,
            series: 100_000,
            label_bytes: 64 * 1024,
            regex_bytes: 1024 * 1024,
        }
    }
}

/// A query asked for more than a limit allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query goes over the limit \"{limit}\" of {allowed}: {hint}")]
pub struct OverLimit {
    /// Which.
    pub limit: Limit,
    /// How much is allowed.
    pub allowed: u64,
    /// What to do about it.
    pub hint: &'static str,
}

impl OverLimit {
    pub(crate) const fn new(limit: Limit, allowed: u64) -> Self {
        let hint = match limit {
            Limit::QueryLength => "write it shorter",
            Limit::Nesting => "split it into several queries",
            Limit::PointsPerSeries => "take a longer step or a shorter time",
            Limit::Samples => "select fewer series, a shorter time or a longer step",
            Limit::RangeValues => "take a shorter range, a shorter time or a longer step",
            Limit::Series => "select fewer series or aggregate them",
            Limit::LabelLength => "put shorter label values together",
            Limit::RegexSize => "write a simpler regular expression",
        };
        Self { limit, allowed, hint }
    }
}

/// What is left of the limits while a query is evaluated.
#[derive(Debug)]
pub(crate) struct Budget {
    samples: Allowance,
    range_values: Allowance,
    series: usize,
}

impl Budget {
    pub(crate) const fn new(limits: &QueryLimits) -> Self {
        Self {
            samples: Allowance::new(Limit::Samples, limits.samples),
            range_values: Allowance::new(Limit::RangeValues, limits.range_values),
            series: limits.series,
        }
    }

    /// Takes samples from the budget, before they are allocated.
    pub(crate) fn samples(&mut self, count: u64) -> Result<(), OverLimit> {
        self.samples.take(count)
    }

    /// Takes from the budget what functions of ranges are about to look at.
    pub(crate) fn range_values(&mut self, count: u64) -> Result<(), OverLimit> {
        self.range_values.take(count)
    }

    /// Asks for a vector of so many series over so many steps, before it is allocated.
    pub(crate) fn vector(&mut self, series: usize, steps: usize) -> Result<(), OverLimit> {
        if series > self.series {
            return Err(OverLimit::new(Limit::Series, self.series as u64));
        }
        self.samples((series as u64).saturating_mul(steps as u64))
    }
}

/// How much of one thing the whole query may have, and what is left of it.
#[derive(Debug)]
struct Allowance {
    limit: Limit,
    allowed: u64,
    left: u64,
}

impl Allowance {
    const fn new(limit: Limit, allowed: u64) -> Self {
        Self {
            limit,
            allowed,
            left: allowed,
        }
    }

    fn take(&mut self, count: u64) -> Result<(), OverLimit> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| OverLimit::new(self.limit, self.allowed))?;
        Ok(())
    }
}
