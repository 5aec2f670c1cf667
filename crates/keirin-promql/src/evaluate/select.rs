//! The present value of each series: its last sample within the look-back.

use std::sync::Arc;

use keirin_model::series::Sample;

use super::row::{ABSENT, Row, without_empty};
use super::{EvaluateError, Evaluator};
use crate::source::Samples;
use crate::syntax::ast::Selector;
use crate::time::Steps;

impl Evaluator<'_> {
    /// The value that each series has at each step.
    pub(super) fn select(&mut self, selector: &Selector, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        self.last_samples(selector, steps, |sample| sample.value)
    }

    /// The time, in seconds, of the sample that each series has at each step.
    pub(super) fn timestamps(
        &mut self,
        selector: &Selector,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let mut rows = self.last_samples(selector, steps, |sample| sample.time_ms as f64 / 1000.0)?;
        for row in &mut rows {
            row.drop_name = true;
        }
        Ok(rows)
    }

    fn last_samples(
        &mut self,
        selector: &Selector,
        steps: Steps,
        take: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Row>, EvaluateError> {
        let series = Arc::clone(&self.fetched[selector.index]);
        self.budget.vector(series.len(), steps.count)?;
        let times: Vec<i64> = (0..steps.count)
            .map(|step| selector.shift.time(self.span, steps.time(step)))
            .collect();
        let rows = series
            .iter()
            .map(|one| Row {
                labels: one.labels.clone(),
                drop_name: false,
                values: values_at(&one.samples, &times, self.options.lookback_ms, &take),
            })
            .collect();
        Ok(without_empty(rows))
    }
}

/// The sample at or before each time, unless it is as old as the look-back or the marker of an end.
fn values_at(samples: &Samples, times: &[i64], lookback_ms: i64, take: impl Fn(Sample) -> f64) -> Vec<f64> {
    let (sample_times, values) = (samples.times_ms(), samples.values());
    let mut next = 0;
    times
        .iter()
        .map(|time_ms| {
            while next < sample_times.len() && sample_times[next] <= *time_ms {
                next += 1;
            }
            let Some(last) = next.checked_sub(1) else {
                return ABSENT;
            };
            let sample = Sample::new(sample_times[last], values[last]);
            if sample.is_stale() || sample.time_ms <= time_ms - lookback_ms {
                return ABSENT;
            }
            take(sample)
        })
        .collect()
}
