//! Quantiles and fractions of classic histograms: of series that count observations up to the bound in their label `le`.

use std::collections::HashMap;

use keirin_model::series::{Labels, METRIC_NAME};

use super::labels::label_name;
use super::row::{ABSENT, Row, is_absent, without_empty};
use super::{EvaluateError, Evaluator, quantile};
use crate::annotation::{ForcedMonotonicity, for_metric};
use crate::syntax::TextRange;
use crate::syntax::ast::Expr;
use crate::syntax::format::decimal;
use crate::syntax::text::quote;
use crate::time::Steps;

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";
/// Differences between buckets that are smaller than this part of both together come from rounding.
const ROUNDING: f64 = 1e-12;

/// The rows of one histogram.
struct Histogram {
    /// Without the bound.
    labels: Labels,
    /// Each row with its bound, sorted by it.
    buckets: Vec<(f64, Row)>,
}

/// A bucket at one step: how many observations there were up to the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(
        &mut self,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let quantiles = self.checked_quantiles(&arguments[0], steps)?;
        let histograms = self.histograms(&arguments[1], steps)?;
        let place = arguments[1].bare().place;
        let rows = histograms
            .iter()
            .map(|histogram| self.quantile_row(histogram, &quantiles, place, steps));
        Ok(without_empty(rows.collect()))
    }

    pub(super) fn histogram_quantiles(
        &mut self,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let label = label_name(&arguments[1], "label name in histogram_quantiles()")?;
        let mut wanted = Vec::new();
        for argument in &arguments[2..] {
            wanted.push(self.checked_quantiles(argument, steps)?);
        }
        let histograms = self.histograms(&arguments[0], steps)?;
        let place = arguments[0].bare().place;
        let mut rows = Vec::new();
        for quantiles in &wanted {
            // The label names the quantile, which is the same at all steps unless it is calculated.
            let shown = quantiles
                .first()
                .map_or_else(String::new, |first| open_metrics(*first));
            if quantiles.iter().any(|other| open_metrics(*other) != shown) {
                let message = "histogram_quantiles() needs quantiles that stay the same";
                return Err(EvaluateError::Argument(message.to_owned()));
            }
            self.budget.vector(rows.len() + histograms.len(), steps.count)?;
            for histogram in &histograms {
                let mut row = self.quantile_row(histogram, quantiles, place, steps);
                self.set_label(&mut row, &label, &shown)?;
                row.drop_name = true;
                rows.push(row);
            }
        }
        Ok(without_empty(rows))
    }

    pub(super) fn histogram_fraction(
        &mut self,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let lower = self.scalar(&arguments[0], steps)?;
        let upper = self.scalar(&arguments[1], steps)?;
        let histograms = self.histograms(&arguments[2], steps)?;
        let rows = histograms.iter().map(|histogram| {
            histogram.row(steps, |step, buckets| fraction(lower[step], upper[step], buckets))
        });
        Ok(without_empty(rows.collect()))
    }

    fn checked_quantiles(&mut self, argument: &Expr, steps: Steps) -> Result<Vec<f64>, EvaluateError> {
        let quantiles = self.scalar(argument, steps)?;
        for wanted in &quantiles {
            if let Some(text) = quantile::invalid(*wanted) {
                self.annotations.warn(argument.bare().place, text);
            }
        }
        Ok(quantiles)
    }

    fn quantile_row(
        &mut self,
        histogram: &Histogram,
        quantiles: &[f64],
        place: TextRange,
        steps: Steps,
    ) -> Row {
        let metric = histogram.labels.get(METRIC_NAME);
        histogram.row(steps, |step, buckets| {
            let (value, forced) = bucket_quantile(quantiles[step], buckets);
            if let Some(forced) = forced {
                self.annotations.forced_monotonicity(ForcedMonotonicity {
                    metric: metric.to_owned(),
                    place,
                    first_ms: steps.time(step),
                    last_ms: steps.time(step),
                    lowest_bucket: forced.lowest,
                    highest_bucket: forced.highest,
                    largest_difference: forced.difference,
                    samples: 1,
                });
            }
            value
        })
    }

    /// The histograms of a vector. Series without a usable bound are left out, with a warning.
    fn histograms(&mut self, vector: &Expr, steps: Steps) -> Result<Vec<Histogram>, EvaluateError> {
        let mut known: HashMap<Labels, usize> = HashMap::new();
        let mut histograms: Vec<Histogram> = Vec::new();
        for row in self.vector(vector, steps)? {
            let bound = row.labels.get(BOUND);
            let Some(bound) = bound.parse().ok().filter(|bound: &f64| !bound.is_nan()) else {
                let text = format!(
                    "bucket label {BOUND:?} is missing or has a malformed value of {}{}",
                    quote(bound.as_bytes()),
                    for_metric(row.labels.get(METRIC_NAME))
                );
                self.annotations.warn(vector.bare().place, text);
                continue;
            };
            let labels = row.labels.filtered(|name| name != BOUND);
            let index = *known.entry(labels).or_insert_with_key(|labels| {
                histograms.push(Histogram {
                    labels: labels.clone(),
                    buckets: Vec::new(),
                });
                histograms.len() - 1
            });
            histograms[index].buckets.push((bound, row));
        }
        for histogram in &mut histograms {
            histogram
                .buckets
                .sort_by(|left, right| left.0.total_cmp(&right.0));
        }
        self.budget.vector(histograms.len(), steps.count)?;
        Ok(histograms)
    }
}

impl Histogram {
    /// Something for each step at which there is any bucket.
    fn row(&self, steps: Steps, mut each: impl FnMut(usize, &mut Vec<Bucket>) -> f64) -> Row {
        let mut buckets: Vec<Bucket> = Vec::with_capacity(self.buckets.len());
        let values = (0..steps.count).map(|step| {
            buckets.clear();
            for (bound, row) in &self.buckets {
                let count = row.values[step];
                if is_absent(count) {
                    continue;
                }
                match buckets.last_mut() {
                    // The same bound, written in two ways.
                    Some(last) if last.bound == *bound => last.count += count,
                    _ => buckets.push(Bucket { bound: *bound, count }),
                }
            }
            if buckets.is_empty() {
                ABSENT
            } else {
                each(step, &mut buckets)
            }
        });
        Row {
            labels: self.labels.clone(),
            drop_name: true,
            values: values.collect(),
        }
    }
}

/// Where counts fell from one bucket to the next and were lifted.
struct Forced {
    lowest: f64,
    highest: f64,
    difference: f64,
}

/// The value below which this part of the observations lies, taking them to be spread evenly within each bucket. The
/// lowest bucket begins at 0 if it ends above; what lies in the highest, which has no end, is taken to be at its start.
fn bucket_quantile(quantile: f64, buckets: &mut [Bucket]) -> (f64, Option<Forced>) {
    if quantile.is_nan() {
        return (f64::NAN, None);
    }
    if quantile < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if quantile > 1.0 {
        return (f64::INFINITY, None);
    }
    let last = buckets.len() - 1;
    if buckets[last].bound != f64::INFINITY {
        return (f64::NAN, None);
    }
    let forced = make_rise(buckets);
    if last == 0 || buckets[last].count == 0.0 {
        return (f64::NAN, forced);
    }
    let rank = quantile * buckets[last].count;
    // Counts rise, so those that do not reach the rank come first; none reaches one that is not a number.
    let reaches = |bucket: &Bucket| bucket.count >= rank;
    let found = buckets[..last].partition_point(|bucket| !reaches(bucket));
    let value = if found == last {
        buckets[last - 1].bound
    } else if found == 0 && buckets[0].bound <= 0.0 {
        buckets[0].bound
    } else {
        let before = match found.checked_sub(1) {
            Some(before) => buckets[before],
            None => Bucket {
                bound: 0.0,
                count: 0.0,
            },
        };
        let Bucket { bound, count } = buckets[found];
        before.bound + (bound - before.bound) * ((rank - before.count) / (count - before.count))
    };
    (value, forced)
}

/// Lifts counts that are less than those of the bucket before, silently where only rounding made them less.
fn make_rise(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if bucket.count == before {
            continue;
        }
        if nearly_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            let forced = forced.get_or_insert(Forced {
                lowest: f64::INFINITY,
                highest: f64::NEG_INFINITY,
                difference: 0.0,
            });
            forced.lowest = forced.lowest.min(bucket.bound);
            forced.highest = forced.highest.max(bucket.bound);
            forced.difference = forced.difference.max(before - bucket.count);
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    forced
}

fn nearly_equal(left: f64, right: f64) -> bool {
    let together = left.abs() + right.abs();
    let difference = (left - right).abs();
    if left == 0.0 || right == 0.0 || together < f64::MIN_POSITIVE {
        return difference < ROUNDING * f64::MIN_POSITIVE;
    }
    difference / together.min(f64::MAX) < ROUNDING
}

/// The part of the observations between two values, taking them to be spread evenly within each bucket. Of a bucket
/// without an end, nothing is known but its edge.
fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let last = buckets[buckets.len() - 1];
    if last.bound != f64::INFINITY || last.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, buckets) - rank(lower, buckets)) / last.count
}

/// How many observations lie below a value.
fn rank(value: f64, buckets: &[Bucket]) -> f64 {
    let all = buckets[buckets.len() - 1].count;
    let lowest = if buckets[0].bound <= 0.0 {
        f64::NEG_INFINITY
    } else {
        0.0
    };
    let mut before = Bucket {
        bound: lowest,
        count: 0.0,
    };
    for bucket in buckets {
        if before.bound >= value {
            return before.count.min(all);
        }
        if bucket.bound > value {
            let rank = if before.bound == f64::NEG_INFINITY {
                bucket.count
            } else {
                let part = (value - before.bound) / (bucket.bound - before.bound);
                before.count + (bucket.count - before.count) * part
            };
            return rank.min(all);
        }
        before = *bucket;
    }
    all
}

/// A number as OpenMetrics writes it: with a dot even where it is whole.
fn open_metrics(value: f64) -> String {
    let text = decimal(value);
    if value.is_finite() && !text.contains('.') {
        format!("{text}.0")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: &[(f64, f64)]) -> Vec<Bucket> {
        counts
            .iter()
            .map(|(bound, count)| Bucket {
                bound: *bound,
                count: *count,
            })
            .collect()
    }

    fn quantile_of(wanted: f64, counts: &[(f64, f64)]) -> f64 {
        bucket_quantile(wanted, &mut buckets(counts)).0
    }

    const REQUESTS: [(f64, f64); 4] = [(0.1, 5.0), (0.2, 7.0), (1.0, 11.0), (f64::INFINITY, 12.0)];

    #[test]
    fn a_quantile_lies_within_its_bucket_as_far_as_its_rank() {
        // Half of 12 is rank 6: the first of two observations between 0.1 and 0.2.
        assert!((quantile_of(0.5, &REQUESTS) - 0.15).abs() < 1e-12);
        // Rank 2.4 of 5 between 0, where the lowest bucket begins, and 0.1.
        assert!((quantile_of(0.2, &REQUESTS) - 0.048).abs() < 1e-12);
    }

    #[test]
    fn what_lies_in_the_bucket_without_end_is_at_its_start() {
        assert_eq!(quantile_of(1.0, &REQUESTS), 1.0);
        assert!(quantile_of(0.5, &REQUESTS[..3]).is_nan(), "no bucket without end");
        assert!(quantile_of(0.5, &REQUESTS[3..]).is_nan(), "no other bucket");
    }

    #[test]
    fn a_lowest_bucket_below_zero_has_no_start() {
        let below = [(-0.2, 1.0), (0.3, 2.0), (f64::INFINITY, 3.0)];
        assert_eq!(quantile_of(0.1, &below), -0.2);
    }

    #[test]
    fn counts_that_fall_are_lifted_and_told() {
        let counts = [
            (0.1, 2.0),
            (1.0, 1.0),
            (10.0, 5.0),
            (100.0, 4.0),
            (1000.0, 9.0),
            (f64::INFINITY, 8.0),
        ];
        let (value, forced) = bucket_quantile(0.5, &mut buckets(&counts));
        assert!((value - 8.5).abs() < 1e-12);
        let forced = forced.expect("three counts fell");
        assert_eq!(
            (forced.lowest, forced.highest, forced.difference),
            (1.0, f64::INFINITY, 1.0)
        );
        let rounded = [(0.1, 1.0), (1.0, 1.0 - 1e-13), (f64::INFINITY, 2.0)];
        assert!(bucket_quantile(0.5, &mut buckets(&rounded)).1.is_none());
    }

    #[test]
    fn a_fraction_is_the_part_between_two_values() {
        let part = |lower, upper| fraction(lower, upper, &buckets(&REQUESTS));
        assert!((part(0.0, 0.15) - 0.5).abs() < 1e-12);
        assert_eq!(part(f64::NEG_INFINITY, f64::INFINITY), 1.0);
        assert_eq!(part(2.0, 3.0), 0.0, "of the bucket without end nothing is known");
        assert!(part(f64::NAN, 1.0).is_nan());
    }
}
