//! `rate`, `increase` and `delta`: the difference between the samples within a range, stretched to the whole range.
//!
//! The samples seldom lie at the edges of the range. Where the distance from an edge to the nearest sample is about that
//! between samples (at most 1.1 times their mean distance), the series is taken to go on to the edge; otherwise it is
//! taken to have begun or ended half a distance from its outermost sample. A counter is never taken to have been less
//! than zero.

use super::row::ABSENT;
use crate::source::Samples;
use crate::syntax::function::Window;

/// Which of the three.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extrapolation {
    is_counter: bool,
    per_second: bool,
}

impl Extrapolation {
    pub(super) const fn of(window: Window) -> Option<Self> {
        let (is_counter, per_second) = match window {
            Window::Rate => (true, true),
            Window::Increase => (true, false),
            Window::Delta => (false, false),
            _ => return None,
        };
        Some(Self {
            is_counter,
            per_second,
        })
    }

    /// The result for each end of a range, which do not fall. The places at which the counter was reset are found once;
    /// each step then only needs the first and last sample and the resets within its range.
    pub(super) fn along(self, samples: &Samples, ends: &[i64], range_ms: i64) -> Vec<f64> {
        let (times_ms, values) = (samples.times_ms(), samples.values());
        let resets = if self.is_counter {
            resets(values)
        } else {
            Vec::new()
        };
        let (mut first, mut end) = (0, 0);
        let (mut first_reset, mut end_reset) = (0, 0);
        let mut results = Vec::with_capacity(ends.len());
        for end_ms in ends {
            let start_ms = end_ms - range_ms;
            while end < times_ms.len() && times_ms[end] <= *end_ms {
                end += 1;
            }
            while first < end && times_ms[first] <= start_ms {
                first += 1;
            }
            if end - first < 2 {
                results.push(ABSENT);
                continue;
            }
            // A reset before the first sample within the range is none.
            while first_reset < resets.len() && resets[first_reset] <= first {
                first_reset += 1;
            }
            while end_reset < resets.len() && resets[end_reset] < end {
                end_reset += 1;
            }
            let last = end - 1;
            let mut difference = values[last] - values[first];
            for reset in &resets[first_reset.min(end_reset)..end_reset] {
                difference += values[reset - 1];
            }
            let range = Range {
                to_first_ms: times_ms[first] - start_ms,
                sampled_ms: times_ms[last] - times_ms[first],
                from_last_ms: end_ms - times_ms[last],
                samples: end - first,
                first: values[first],
            };
            let factor = range.factor(self.is_counter, difference);
            let factor = if self.per_second {
                factor / seconds(range_ms)
            } else {
                factor
            };
            results.push(difference * factor);
        }
        results
    }
}

/// The indices of samples that are less than the one before them.
fn resets(values: &[f64]) -> Vec<usize> {
    let pairs = values.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| pair[1] < pair[0])
        .map(|(index, _)| index + 1)
        .collect()
}

const fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Where the samples lie within a range.
struct Range {
    to_first_ms: i64,
    sampled_ms: i64,
    from_last_ms: i64,
    samples: usize,
    first: f64,
}

impl Range {
    /// How much longer the time is for which the difference is taken to hold than that between the samples.
    fn factor(&self, is_counter: bool, difference: f64) -> f64 {
        let sampled = seconds(self.sampled_ms);
        let distance = sampled / (self.samples - 1) as f64;
        let threshold = distance * 1.1;
        let mut before = seconds(self.to_first_ms);
        if before >= threshold {
            before = distance / 2.0;
        }
        if is_counter && difference > 0.0 && self.first >= 0.0 {
            let since_zero = sampled * (self.first / difference);
            if since_zero < before {
                before = since_zero;
            }
        }
        let mut after = seconds(self.from_last_ms);
        if after >= threshold {
            after = distance / 2.0;
        }
        (sampled + before + after) / sampled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn increase(samples: &[(i64, f64)], end_ms: i64, range_ms: i64) -> f64 {
        let (times, values) = samples.iter().copied().unzip();
        let samples = Samples::new(times, values).expect("rising times");
        let increase = Extrapolation::of(Window::Increase).expect("it is one of the three");
        increase.along(&samples, &[end_ms], range_ms)[0]
    }

    #[test]
    fn samples_near_the_edges_stand_for_the_whole_range() {
        // From 10 s to 60 s the counter rises by 50; it goes on to both edges, 10 s before and 10 s behind.
        let samples: Vec<(i64, f64)> = (1..=6).map(|n| (n * 10_000, 1000.0 + n as f64 * 10.0)).collect();
        assert_eq!(increase(&samples, 70_000, 70_000), 70.0);
    }

    #[test]
    fn samples_far_from_the_edges_stand_for_half_a_distance_more() {
        let samples = [(100_000, 1000.0), (110_000, 1010.0), (120_000, 1020.0)];
        assert_eq!(increase(&samples, 200_000, 200_000), 30.0);
    }

    #[test]
    fn a_counter_began_at_zero() {
        // Half a distance before the first sample it would have been -4: it began 1 s before instead.
        let samples = [(100_000, 1.0), (110_000, 11.0), (120_000, 21.0)];
        assert_eq!(increase(&samples, 120_000, 120_000), 21.0);
    }

    #[test]
    fn a_counter_that_falls_has_begun_again_at_zero() {
        let samples = [(10_000, 0.0), (20_000, 3.0), (30_000, 2.0), (40_000, 4.0)];
        assert_eq!(increase(&samples, 40_000, 40_000), 7.0);
        // The fall lies before the range.
        assert_eq!(increase(&samples, 40_000, 20_000), 4.0);
    }

    #[test]
    fn a_sample_at_the_start_of_the_range_does_not_count() {
        let samples = [(10_000, 5.0), (20_000, 6.0)];
        assert!(super::super::row::is_absent(increase(&samples, 20_000, 10_000)));
        assert!(!super::super::row::is_absent(increase(&samples, 20_000, 10_001)));
    }
}
