//! The straight line that fits the samples within a range best.

use super::kahan::Sum;
use super::window::Slice;

/// By how much the line rises each second.
pub(super) fn slope(slice: Slice<'_>) -> Option<f64> {
    // Times are counted from the first sample: large numbers would lose digits.
    fit(slice, slice.times_ms[0]).map(|line| line.slope)
}

/// What the line says for so many seconds after the step.
pub(super) fn prediction(slice: Slice<'_>, seconds: f64) -> Option<f64> {
    fit(slice, slice.step_ms).map(|line| line.slope * seconds + line.intercept)
}

struct Line {
    slope: f64,
    /// At the time from which times are counted.
    intercept: f64,
}

fn fit(slice: Slice<'_>, zero_ms: i64) -> Option<Line> {
    let Slice { times_ms, values, .. } = slice;
    if values.len() < 2 {
        return None;
    }
    if values.iter().all(|value| *value == values[0]) {
        let level = values[0];
        return Some(if level.is_infinite() {
            Line {
                slope: f64::NAN,
                intercept: f64::NAN,
            }
        } else {
            Line {
                slope: 0.0,
                intercept: level,
            }
        });
    }
    let mut sums = [Sum::default(); 4];
    for (time_ms, value) in times_ms.iter().zip(values) {
        let seconds = (time_ms - zero_ms) as f64 / 1000.0;
        for (sum, term) in sums
            .iter_mut()
            .zip([seconds, *value, seconds * value, seconds * seconds])
        {
            sum.add(term);
        }
    }
    let [x, y, xy, xx] = sums.map(Sum::total);
    let count = values.len() as f64;
    let slope = (xy - x * y / count) / (xx - x * x / count);
    Some(Line {
        slope,
        intercept: y / count - slope * x / count,
    })
}
