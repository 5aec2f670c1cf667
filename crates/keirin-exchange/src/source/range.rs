//! Ranges that are too long for one answer: servers give at most so many points a series, so a long range is asked for in
//! parts, and the parts are put together as if it had been one.

use std::collections::BTreeMap;

use keirin_model::series::Labels;

use super::RangeSeries;

/// At which times a query is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryRange {
    /// The first, in milliseconds since 1970.
    pub start_ms: i64,
    /// None is after this.
    pub end_ms: i64,
    /// From one to the next, in milliseconds.
    pub step_ms: i64,
}

/// Why a range cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// There is no time between its points.
    #[error("the step of the range is not above zero")]
    NoStep,
    /// It would need too many calls.
    #[error("the range has {points} points and the most that can be asked for is {most}; take a longer step")]
    TooLong {
        /// How many it has.
        points: i64,
        /// How many it may have.
        most: i64,
    },
}

impl QueryRange {
    /// How many points it has.
    ///
    /// # Errors
    /// It has none.
    pub fn points(&self) -> Result<i64, RangeError> {
        if self.step_ms <= 0 {
            return Err(RangeError::NoStep);
        }
        match self.end_ms.checked_sub(self.start_ms) {
            Some(length) if length >= 0 => Ok(length / self.step_ms + 1),
            Some(_) => Err(RangeError::Backwards),
            None if self.start_ms > 0 => Err(RangeError::Backwards),
            None => Err(RangeError::TooLong {
                points: i64::MAX,
                most: i64::MAX - 1,
            }),
        }
    }
}

/// The range in parts of at most so many points. No point is in two parts, and the first of each is one step after the
/// last of the part before.
///
/// # Errors
/// It has no points, or would need more than `most_parts` calls.
pub(super) fn split(
    range: QueryRange,
    most_points: i64,
    most_parts: i64,
) -> Result<Vec<QueryRange>, RangeError> {
    let points = range.points()?;
    let most = most_points.saturating_mul(most_parts);
    if points > most {
        return Err(RangeError::TooLong { points, most });
    }
    if points <= most_points {
        return Ok(vec![range]);
    }
    let parts = (0..points).step_by(usize::try_from(most_points).unwrap_or(usize::MAX));
    let part = |first: i64| {
        let last = (first + most_points).min(points) - 1;
        QueryRange {
            start_ms: range.start_ms + first * range.step_ms,
            end_ms: range.start_ms + last * range.step_ms,
            step_ms: range.step_ms,
        }
    };
    Ok(parts.map(part).collect())
}

/// Answers to parts of a range in their order, as the answer to the whole: each series once, in the order of labels.
pub(super) fn join(parts: Vec<Vec<RangeSeries>>) -> Vec<RangeSeries> {
    if parts.len() == 1 {
        return parts.into_iter().flatten().collect();
    }
    let mut whole: BTreeMap<Labels, RangeSeries> = BTreeMap::new();
    for part in parts.into_iter().flatten() {
        match whole.get_mut(&part.metric) {
            None => {
                whole.insert(part.metric.clone(), part);
            }
            Some(series) => {
                // A server that rounds the ends of a range to whole steps of its own answers a point twice.
                let last = series.values.last().map_or(i64::MIN, |point| point.time_ms);
                series
                    .values
                    .extend(part.values.into_iter().filter(|point| point.time_ms > last));
                let last = series
                    .histograms
                    .last()
                    .map_or(f64::NEG_INFINITY, |(time, _)| *time);
                series
                    .histograms
                    .extend(part.histograms.into_iter().filter(|(time, _)| *time > last));
            }
        }
    }
    whole.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SourcePoint;
    use super::*;

    const fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> QueryRange {
        QueryRange {
            start_ms,
            end_ms,
            step_ms,
        }
    }

    #[test]
    fn ranges_by_example() {
        assert_eq!(split(range(0, 100, 10), 11, 1), Ok(vec![range(0, 100, 10)]));
        assert_eq!(
            split(range(5, 109, 10), 4, 3),
            Ok(vec![range(5, 35, 10), range(45, 75, 10), range(85, 105, 10)])
        );
        assert_eq!(split(range(7, 7, 10), 4, 3), Ok(vec![range(7, 7, 10)]));
        assert_eq!(split(range(8, 7, 10), 4, 3), Err(RangeError::Backwards));
        assert_eq!(split(range(0, 7, 0), 4, 3), Err(RangeError::NoStep));
        assert_eq!(
            split(range(0, 130, 10), 4, 3).unwrap_err().to_string(),
            "the range has 14 points and the most that can be asked for is 12; take a longer step"
        );
        assert!(matches!(
            split(range(i64::MIN, i64::MAX, 1), 4, 3),
            Err(RangeError::TooLong { .. })
        ));
        assert_eq!(
            split(range(i64::MAX, i64::MIN, 1), 4, 3),
            Err(RangeError::Backwards)
        );
    }

    /// A server with series that come and go: what each has at a time is a matter of the time alone.
    fn answer(range: QueryRange) -> Vec<RangeSeries> {
        let series = (1..=4).filter_map(|number: i64| {
            let times = (range.start_ms..=range.end_ms).step_by(usize::try_from(range.step_ms).unwrap());
            let there = times.filter(|time| time.rem_euclid(97) % number == 0 && time % 1000 < 250 * number);
            let values: Vec<_> = there
                .map(|time_ms| SourcePoint {
                    time_ms,
                    value: time_ms.to_string(),
                })
                .collect();
            let metric = Labels::new([("series", number.to_string())]).unwrap();
            (!values.is_empty()).then_some(RangeSeries {
                metric,
                values,
                histograms: Vec::new(),
            })
        });
        series.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn in_parts_is_as_in_one(start in -5_000_i64..5_000, length in 0_i64..5_000, step in 1_i64..300, most in 1_i64..50) {
            let whole = range(start, start + length, step);
            let parts = split(whole, most, i64::MAX).unwrap();
            prop_assert!(parts.iter().all(|part| part.points().unwrap() <= most));
            prop_assert_eq!(join(parts.into_iter().map(answer).collect()), answer(whole));
        }

        #[test]
        fn a_point_that_came_twice_is_there_once(start in 0_i64..500, length in 0_i64..2_000, step in 1_i64..100, most in 1_i64..20) {
            let whole = range(start, start + length, step);
            let overlapping = split(whole, most, i64::MAX).unwrap().into_iter().map(|part| {
                answer(range((part.start_ms - step).max(start), part.end_ms, step))
            });
            prop_assert_eq!(join(overlapping.collect()), answer(whole));
        }
    }
}
