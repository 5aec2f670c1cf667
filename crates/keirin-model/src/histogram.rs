//! How measured times are spread.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The bounds of what takes a moment: a step, a call, a commit; in seconds.
pub const MOMENT_BOUNDS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// The bounds of what may take long: a job, a backup; in seconds.
pub const LONG_BOUNDS: &[f64] = &[0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];

/// How times are spread over buckets, as Prometheus' histograms have them.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum_seconds: f64,
}

impl Histogram {
    /// An empty one with these upper bounds of its buckets, in seconds and rising.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum_seconds: 0.0,
        }
    }

    /// Counts a time in the first bucket that it is not above the bound of; in the last, which has none, else.
    pub fn observe(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[bucket] += 1;
        self.sum_seconds += seconds;
    }

    /// Counts what another one of the same bounds has counted as well.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(
            self.bounds, other.bounds,
            "only buckets of the same bounds can be added"
        );
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_seconds += other.sum_seconds;
    }

    /// The upper bounds of all buckets but the last.
    pub const fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// How many are in each bucket and in no lower one.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All times together, in seconds.
    pub const fn sum_seconds(&self) -> f64 {
        self.sum_seconds
    }
}

/// One that many count in.
#[derive(Debug)]
pub struct SharedHistogram(Mutex<Histogram>);

impl SharedHistogram {
    /// An empty one, as [`Histogram::new`].
    pub fn new(bounds: &'static [f64]) -> Self {
        Self(Mutex::new(Histogram::new(bounds)))
    }

    /// Counts a time.
    pub fn observe(&self, time: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .observe(time);
    }

    /// As it is now.
    pub fn get(&self) -> Histogram {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_the_first_bucket_that_it_fits_in() {
        let mut histogram = Histogram::new(&[0.5, 1.0, 60.0]);
        for milliseconds in [0, 500, 501, 1000, 60_001] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        assert_eq!(histogram.counts(), [2, 2, 0, 1]);
        assert!((histogram.sum_seconds() - 62.002).abs() < 1e-9);
        let mut twice = histogram.clone();
        twice.add(&histogram);
        assert_eq!(twice.counts(), [4, 4, 0, 2]);
        assert!((twice.sum_seconds() - 124.004).abs() < 1e-9);
    }
}
