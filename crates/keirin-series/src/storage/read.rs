//! Reading samples: chunks of many series become columns of times and values.

use std::collections::HashMap;

use keirin_model::ProjectId;
use keirin_model::series::{Labels, METRIC_NAME, MatchOperator, Matcher};
use keirin_store::series::{SampleChunkRow, SeriesFilter, SeriesRow};

use super::{SampleColumns, Storage, StorageError};
use crate::chunk;

/// How much a reading may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// How many series one selector may find.
    pub series: u32,
    /// How many samples all of them together may have.
    pub samples: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            series: 50_000,
            samples: 50_000_000,
        }
    }
}

/// A series with its samples in a time range.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSeries {
    /// Metric and labels.
    pub labels: Labels,
    /// In the order of time.
    pub samples: SampleColumns,
}

impl Storage {
    /// The series that a selector finds. `accepts` decides about all its matchers; those that compare for equality are
    /// asked of the database first.
    ///
    /// # Errors
    /// The database fails, or there are more than may be.
    pub async fn find(
        &self,
        matchers: &[Matcher],
        accepts: impl Fn(&Labels) -> bool,
        between_ms: Option<(i64, i64)>,
        sight: Option<&[ProjectId]>,
        limits: FetchLimits,
    ) -> Result<Vec<SeriesRow>, StorageError> {
        let mut filter = SeriesFilter {
            sight: sight.map(<[ProjectId]>::to_vec),
            from_ms: between_ms.map(|(from, _)| from),
            until_ms: between_ms.map(|(_, until)| until),
            ..SeriesFilter::default()
        };
        for matcher in matchers {
            if matcher.operator != MatchOperator::Equal || matcher.value.is_empty() {
                continue;
            }
            if matcher.label == METRIC_NAME {
                filter.metric = Some(matcher.value.clone());
            } else {
                filter.labels.push((matcher.label.clone(), matcher.value.clone()));
            }
        }
        let mut found = self
            .store
            .find_series(&filter, limits.series.saturating_add(1))
            .await?;
        if found.len() as u64 > u64::from(limits.series) {
            return Err(StorageError::TooMuch {
                what: "series",
                name: "query_series_limit",
                limit: u64::from(limits.series),
            });
        }
        found.retain(|series| accepts(&series.labels));
        Ok(found)
    }

    /// The samples of series within a time range, both ends included, in milliseconds since 1970. In series that
    /// count, a bucket without a sample is there as zero, from their first one on and until `now_ms`.
    ///
    /// # Errors
    /// The database fails, a chunk is damaged, or there is more than may be.
    pub async fn fetch(
        &self,
        series: &[SeriesRow],
        from_ms: i64,
        until_ms: i64,
        now_ms: i64,
        limits: FetchLimits,
    ) -> Result<Vec<StoredSeries>, StorageError> {
        let ids: Vec<_> = series.iter().map(|series| series.id).collect();
        let rows = self.store.chunks_within(&ids, from_ms, until_ms).await?;
        let counted: Vec<_> = series
            .iter()
            .filter(|series| series.bucket_ms.is_some())
            .map(|series| series.id)
            .collect();
        let begins: HashMap<i64, i64> = if counted.is_empty() {
            HashMap::new()
        } else {
            self.store.series_begin(&counted).await?.into_iter().collect()
        };
        let mut total: u64 = rows.iter().map(|row| row.samples as u64).sum();
        limits.check(total)?;
        let mut by_series: HashMap<i64, &[SampleChunkRow]> = HashMap::with_capacity(series.len());
        for of_series in rows.chunk_by(|left, right| left.series == right.series) {
            by_series.insert(of_series[0].series, of_series);
        }
        let mut fetched = Vec::with_capacity(series.len());
        for series in series {
            let chunks = by_series.get(&series.id).copied().unwrap_or_default();
            let mut samples = decode(series.id, chunks, from_ms, until_ms)?;
            if let (Some(bucket), Some(begin)) = (series.bucket_ms, begins.get(&series.id)) {
                let window = Window {
                    from_ms: from_ms.max(*begin),
                    until_ms: until_ms.min(now_ms),
                };
                total += window.buckets(bucket);
                limits.check(total)?;
                samples = with_zeros(&samples, bucket, window);
            }
            if !samples.times_ms.is_empty() {
                fetched.push(StoredSeries {
                    labels: series.labels.clone(),
                    samples,
                });
            }
        }
        Ok(fetched)
    }
}

impl FetchLimits {
    fn check(self, samples: u64) -> Result<(), StorageError> {
        if samples <= self.samples {
            return Ok(());
        }
        Err(StorageError::TooMuch {
            what: "samples",
            name: "query_sample_limit",
            limit: self.samples,
        })
    }
}

/// The samples of a series' chunks within a time range.
fn decode(
    series: i64,
    chunks: &[SampleChunkRow],
    from_ms: i64,
    until_ms: i64,
) -> Result<SampleColumns, StorageError> {
    let mut samples = SampleColumns::default();
    for row in chunks {
        chunk::decode(&row.body, row.samples, &mut samples.times_ms, &mut samples.values)
            .map_err(|damage| StorageError::Damaged(damage, series))?;
    }
    let end = samples.times_ms.partition_point(|time| *time <= until_ms);
    let begin = samples.times_ms.partition_point(|time| *time < from_ms);
    samples.times_ms.truncate(end);
    samples.values.truncate(end);
    samples.times_ms.drain(..begin.min(end));
    samples.values.drain(..begin.min(end));
    Ok(samples)
}

/// Both ends are included.
#[derive(Debug, Clone, Copy)]
struct Window {
    from_ms: i64,
    until_ms: i64,
}

impl Window {
    /// How many buckets begin in it.
    fn buckets(self, bucket_ms: i64) -> u64 {
        let span = self.until_ms.saturating_sub(self.from_ms);
        u64::try_from(span).map_or(0, |span| span / bucket_ms.unsigned_abs() + 1)
    }
}

/// A zero at the beginning of each bucket that has no sample. Buckets begin at multiples of their width since 1970.
fn with_zeros(samples: &SampleColumns, bucket_ms: i64, window: Window) -> SampleColumns {
    let mut filled = SampleColumns::default();
    let first = window.from_ms.div_euclid(bucket_ms) * bucket_ms;
    let mut next = if first < window.from_ms {
        first + bucket_ms
    } else {
        first
    };
    let mut zeros_until = |filled: &mut SampleColumns, end: i64| {
        while next < end {
            filled.times_ms.push(next);
            filled.values.push(0.0);
            next += bucket_ms;
        }
        if next == end {
            next += bucket_ms;
        }
    };
    for (time, value) in samples.times_ms.iter().zip(&samples.values) {
        zeros_until(&mut filled, *time);
        filled.times_ms.push(*time);
        filled.values.push(*value);
    }
    zeros_until(&mut filled, window.until_ms.saturating_add(1));
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_without_a_sample_have_counted_zero() {
        let samples = SampleColumns {
            times_ms: vec![20, 50],
            values: vec![2.0, 5.0],
        };
        let filled = with_zeros(
            &samples,
            10,
            Window {
                from_ms: 15,
                until_ms: 75,
            },
        );
        assert_eq!(filled.times_ms, [20, 30, 40, 50, 60, 70]);
        assert_eq!(filled.values, [2.0, 0.0, 0.0, 5.0, 0.0, 0.0]);
        let none = with_zeros(
            &SampleColumns::default(),
            10,
            Window {
                from_ms: 20,
                until_ms: 40,
            },
        );
        assert_eq!(none.times_ms, [20, 30, 40]);
    }

    #[test]
    fn a_range_that_ends_before_it_begins_has_no_bucket() {
        let window = Window {
            from_ms: 80,
            until_ms: 20,
        };
        assert_eq!(window.buckets(10), 0);
        assert!(
            with_zeros(&SampleColumns::default(), 10, window)
                .times_ms
                .is_empty()
        );
    }
}
