//! Functions of all values within a range, which holds at least one.

use super::kahan::{Mean, Sum};
use super::quantile::quantile;
use super::window::Slice;

pub(super) fn sum(values: &[f64]) -> f64 {
    let mut sum = Sum::default();
    for value in values {
        sum.add(*value);
    }
    if sum.sum.is_infinite() {
        sum.sum
    } else {
        sum.total()
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    let mut mean = Mean::of(values[0]);
    for value in &values[1..] {
        mean.add(*value);
    }
    mean.mean()
}

/// The mean of the squared distances from the mean (Welford's way of computing it).
pub(super) fn variance(values: &[f64]) -> f64 {
    let mut count = 0.0;
    let mut mean = Sum::default();
    let mut squares = Sum::default();
    for value in values {
        count += 1.0;
        let distance = value - mean.total();
        mean.add(distance / count);
        squares.add(distance * (value - mean.total()));
    }
    squares.total() / count
}

/// Where the best value is; anything is better than what is not a number.
pub(super) fn position(values: &[f64], better: impl Fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if better(*value, values[best]) || values[best].is_nan() {
            best = index;
        }
    }
    best
}

/// How often the value is another than the one before it.
pub(super) fn changes(values: &[f64]) -> f64 {
    count(values, |before, after| {
        after != before && !(after.is_nan() && before.is_nan())
    })
}

/// How often the value is less than the one before it.
pub(super) fn resets(values: &[f64]) -> f64 {
    count(values, |before, after| after < before)
}

fn count(values: &[f64], counts: impl Fn(f64, f64) -> bool) -> f64 {
    let found = values.windows(2).filter(|pair| counts(pair[0], pair[1])).count();
    found as f64
}

/// The difference of the last two values; of a counter per second, and from zero where it was reset.
pub(super) fn last_difference(slice: Slice<'_>, counter: bool) -> Option<f64> {
    let [.., before, after] = slice.values else {
        return None;
    };
    let [.., before_ms, after_ms] = slice.times_ms else {
        return None;
    };
    let difference = if counter && after < before {
        *after
    } else {
        after - before
    };
    let seconds = (after_ms - before_ms) as f64 / 1000.0;
    Some(if counter { difference / seconds } else { difference })
}

/// The median of the distances from the median.
pub(super) fn median_deviation(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = values.to_vec();
    let median = quantile(0.5, &mut values);
    for value in &mut values {
        *value = (*value - median).abs();
    }
    quantile(0.5, &mut values)
}

/// Double exponential smoothing: each value and the trend count for less the older they are.
pub(super) fn smoothed(values: &[f64], smoothing: f64, trend: f64) -> Option<f64> {
    let [first, second, ..] = values else {
        return None;
    };
    let mut before = 0.0;
    let mut level = *first;
    let mut slope = second - first;
    for (index, value) in values[1..].iter().enumerate() {
        if index > 0 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + slope);
        before = level;
        level = next;
    }
    Some(level)
}
