//! Where series come from: a trait that is given what a query needs, and answers with series that are at hand.

use std::sync::Arc;

use keirin_model::series::{Labels, Sample};

use crate::selection::Selection;

/// Samples in the order of time, times and values apart. Clones share the memory.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    times_ms: Arc<Vec<i64>>,
    values: Arc<Vec<f64>>,
}

/// These cannot be the samples of one series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplesError {
    /// As many times as values are needed.
    #[error("{times} times do not go with {values} values")]
    Unequal {
        /// How many times.
        times: usize,
        /// How many values.
        values: usize,
    },
    /// Each time has to be after the one before it.
    #[error("the sample at {0} ms does not come after the one before it")]
    Unordered(i64),
}

impl Samples {
    /// Samples from their times, in milliseconds since 1970, and their values.
    ///
    /// # Errors
    /// There are more of the ones than of the others, or the times do not rise.
    pub fn new(times_ms: Vec<i64>, values: Vec<f64>) -> Result<Self, SamplesError> {
        if times_ms.len() != values.len() {
            return Err(SamplesError::Unequal {
                times: times_ms.len(),
                values: values.len(),
            });
        }
        if let Some(pair) = times_ms.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(SamplesError::Unordered(pair[1]));
        }
        Ok(Self::ordered(times_ms, values))
    }

    /// The same where the caller has made sure of the order.
    pub(crate) fn ordered(times_ms: Vec<i64>, values: Vec<f64>) -> Self {
        Self {
            times_ms: Arc::new(times_ms),
            values: Arc::new(values),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Milliseconds since 1970, each after the one before it.
    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// The value at each time; may be the marker that the series has ended.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Both together.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Sample> + '_ {
        self.times_ms
            .iter()
            .zip(self.values.iter())
            .map(|(time_ms, value)| Sample::new(*time_ms, *value))
    }

    /// Those that are values and not markers of an end.
    pub(crate) fn without_markers(&self) -> Self {
        if !self.iter().any(Sample::is_stale) {
            return self.clone();
        }
        self.iter().filter(|sample| !sample.is_stale()).collect()
    }
}

/// In the order in which they come, which has to be that of time.
impl FromIterator<Sample> for Samples {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Self {
        let (times_ms, values) = samples
            .into_iter()
            .map(|sample| (sample.time_ms, sample.value))
            .unzip();
        Self::ordered(times_ms, values)
    }
}

/// Equal bit by bit, so that what is not a number equals itself.
impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        self.times_ms == other.times_ms
            && self.len() == other.len()
            && self
                .values
                .iter()
                .zip(other.values.iter())
                .all(|(left, right)| left.to_bits() == right.to_bits())
    }
}

/// A series: who it is, and its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Who it is, the metric's name included.
    pub labels: Labels,
    /// What it was when.
    pub samples: Samples,
}

/// The series could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SeriesSourceError(pub String);

/// Answers for series that are at hand; whoever has to wait for them fetches
/// [what the query needs](crate::Query::selections) beforehand.
pub trait SeriesSource {
    /// The series that all the selection's matchers accept, each once, in an order that stays the same, with their
    /// samples from within the selection's time; more samples than these do no harm.
    ///
    /// # Errors
    /// The series could not be had.
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError>;
}
