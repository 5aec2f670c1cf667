//! Functions of the samples within a range that slides along a series.

use std::sync::Arc;

use keirin_model::series::{Labels, METRIC_NAME, Sample};

use super::extrapolate::Extrapolation;
use super::row::{ABSENT, Row, is_absent};
use super::{EvaluateError, Evaluator, over_time, quantile, regression};
use crate::limits::{Limit, OverLimit};
use crate::selection::subquery_steps;
use crate::source::Samples;
use crate::syntax::TextRange;
use crate::syntax::ast::{Expr, Node, Shift, ValueType};
use crate::syntax::function::Window;
use crate::time::Steps;

/// Series to slide along, and the range.
pub(super) struct Ranged {
    pub(super) series: Vec<RangedSeries>,
    pub(super) range_ms: i64,
    pub(super) shift: Shift,
}

pub(super) struct RangedSeries {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    /// Without markers of an end.
    pub(super) samples: Samples,
}

/// The samples within the range at one step.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    pub(super) times_ms: &'a [i64],
    pub(super) values: &'a [f64],
    /// The time of the step, which differs from the end of the range where that is shifted.
    pub(super) step_ms: i64,
}

impl Evaluator<'_> {
    /// The series of a range selector or of a subquery.
    pub(super) fn ranged(&mut self, expr: &Expr, steps: Steps) -> Result<Ranged, EvaluateError> {
        match &expr.bare().node {
            Node::Range { selector, range } => {
                let fetched = Arc::clone(&self.fetched[selector.index]);
                let series = fetched.iter().map(|one| RangedSeries {
                    labels: one.labels.clone(),
                    drop_name: false,
                    samples: one.samples.without_markers(),
                });
                Ok(Ranged {
                    series: series.collect(),
                    range_ms: range.milliseconds,
                    shift: selector.shift.clone(),
                })
            }
            Node::Subquery {
                inner,
                range,
                step,
                shift,
            } => {
                let inner_steps = subquery_steps(self.span, steps, shift, range, step.as_ref(), self.options);
                let series = self.subquery(inner, inner_steps)?;
                Ok(Ranged {
                    series,
                    range_ms: range.milliseconds,
                    shift: shift.clone(),
                })
            }
            _ => Err(EvaluateError::NoColumn),
        }
    }

    fn subquery(&mut self, inner: &Expr, steps: Steps) -> Result<Vec<RangedSeries>, EvaluateError> {
        if steps.count as u64 > self.options.limits.samples {
            return Err(OverLimit::new(Limit::Samples, self.options.limits.samples).into());
        }
        // Numbers that go with the steps are not counted elsewhere.
        self.budget.samples(steps.count as u64)?;
        if steps.count == 0 {
            return Ok(Vec::new());
        }
        let rows = self.vector(inner, steps)?;
        self.budget.vector(rows.len(), steps.count)?;
        let series = |row: Row| {
            let present = row
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| !is_absent(**value));
            RangedSeries {
                samples: present
                    .map(|(step, value)| Sample::new(steps.time(step), *value))
                    .collect(),
                labels: row.labels,
                drop_name: row.drop_name,
            }
        };
        Ok(rows.into_iter().map(series).collect())
    }

    /// What a function gives for the range at each step.
    pub(super) fn window(
        &mut self,
        window: Window,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let mut parameters = Vec::new();
        let mut range = None;
        for argument in arguments {
            if argument.value_type() == ValueType::Matrix {
                range = Some(argument);
            } else {
                parameters.push(self.scalar(argument, steps)?);
            }
        }
        let range = range.ok_or(EvaluateError::NoColumn)?;
        let ranged = self.ranged(range, steps)?;
        self.budget.vector(ranged.series.len(), steps.count)?;
        check_parameters(window, &parameters, &ranged)?;
        let ends: Vec<i64> = (0..steps.count)
            .map(|step| ranged.shift.time(self.span, steps.time(step)))
            .collect();
        let mut rows = Vec::with_capacity(ranged.series.len());
        for series in &ranged.series {
            let looked_at = looked_at(window, &series.samples, &ends, ranged.range_ms);
            self.budget.range_values(looked_at)?;
            let values = match Extrapolation::of(window) {
                Some(kind) => kind.along(&series.samples, &ends, ranged.range_ms),
                None => along(
                    &series.samples,
                    &ends,
                    ranged.range_ms,
                    |step, times_ms, values| {
                        if self.options.interrupt.is_interrupted() {
                            return None;
                        }
                        let slice = Slice {
                            times_ms,
                            values,
                            step_ms: steps.time(step),
                        };
                        let parameter = |index: usize| parameters[index][step];
                        one(window, slice, parameter)
                    },
                ),
            };
            self.go_on()?;
            let row = Row {
                labels: series.labels.clone(),
                drop_name: series.drop_name || !matches!(window, Window::First | Window::Last),
                values,
            };
            if row.has_values() {
                self.annotate(window, &row, &parameters, arguments, range.bare().place);
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn annotate(
        &mut self,
        window: Window,
        row: &Row,
        parameters: &[Vec<f64>],
        arguments: &[Expr],
        range: TextRange,
    ) {
        if matches!(window, Window::Rate | Window::Increase) {
            let name = row.labels.get(METRIC_NAME);
            let counts = ["_total", "_sum", "_count", "_bucket"];
            if !name.is_empty() && !counts.iter().any(|suffix| name.ends_with(suffix)) {
                let text = format!(
                    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
                );
                self.annotations.info(range, text);
            }
        }
        if window == Window::Quantile {
            for (wanted, value) in parameters[0].iter().zip(&row.values) {
                if let Some(text) = quantile::invalid(*wanted).filter(|_| !is_absent(*value)) {
                    self.annotations.warn(arguments[0].bare().place, text);
                }
            }
        }
    }
}

fn check_parameters(window: Window, parameters: &[Vec<f64>], ranged: &Ranged) -> Result<(), EvaluateError> {
    if window != Window::DoubleExponentialSmoothing || ranged.series.is_empty() {
        return Ok(());
    }
    for (name, values) in ["smoothing", "trend"].iter().zip(parameters) {
        if let Some(wrong) = values.iter().find(|value| **value <= 0.0 || **value >= 1.0) {
            let short = &name[..1];
            let message = format!("invalid {name} factor. Expected: 0 < {short}f < 1, got: {wrong:.6}");
            return Err(EvaluateError::Argument(message));
        }
    }
    Ok(())
}

/// How many values a function looks at along a series; at most, where it adds up what resets have taken.
fn looked_at(window: Window, samples: &Samples, ends: &[i64], range_ms: i64) -> u64 {
    match window {
        Window::Count
        | Window::First
        | Window::Delta
        | Window::Idelta
        | Window::Irate
        | Window::Last
        | Window::Present
        | Window::TimeOfFirst
        | Window::TimeOfLast => ends.len() as u64,
        Window::Increase | Window::Rate => {
            let resets = over_time::resets(samples.values()) as u64;
            (1 + resets).saturating_mul(ends.len() as u64)
        }
        _ => {
            let mut sum = 0;
            along(samples, ends, range_ms, |_, _, values| {
                sum += values.len() as u64;
                None
            });
            sum
        }
    }
}

/// Slides a range along a series: for each end, the samples that are after the start of the range and not after its
/// end. Ends do not fall, so that each sample enters once and leaves once.
fn along<F>(samples: &Samples, ends: &[i64], range_ms: i64, mut each: F) -> Vec<f64>
where
    F: FnMut(usize, &[i64], &[f64]) -> Option<f64>,
{
    let (times_ms, values) = (samples.times_ms(), samples.values());
    let (mut first, mut end) = (0, 0);
    let mut results = Vec::with_capacity(ends.len());
    for (step, end_ms) in ends.iter().enumerate() {
        while end < times_ms.len() && times_ms[end] <= *end_ms {
            end += 1;
        }
        while first < end && times_ms[first] <= end_ms - range_ms {
            first += 1;
        }
        let value = if first < end {
            each(step, &times_ms[first..end], &values[first..end])
        } else {
            None
        };
        results.push(value.unwrap_or(ABSENT));
    }
    results
}

/// What a function gives for one range, which holds at least one sample.
fn one(window: Window, slice: Slice<'_>, parameter: impl Fn(usize) -> f64) -> Option<f64> {
    let Slice { times_ms, values, .. } = slice;
    let last = values.len() - 1;
    let seconds = |milliseconds: i64| milliseconds as f64 / 1000.0;
    match window {
        Window::Avg => Some(over_time::mean(values)),
        Window::Changes => Some(over_time::changes(values)),
        Window::Count => Some(values.len() as f64),
        Window::Deriv => regression::slope(slice),
        Window::DoubleExponentialSmoothing => over_time::smoothed(values, parameter(0), parameter(1)),
        Window::First => Some(values[0]),
        Window::Idelta => over_time::last_difference(slice, false),
        Window::Irate => over_time::last_difference(slice, true),
        Window::Last => Some(values[last]),
        Window::Mad => Some(over_time::median_deviation(values)),
        Window::Max => Some(values[over_time::position(values, |value, best| value > best)]),
        Window::Min => Some(values[over_time::position(values, |value, best| value < best)]),
        Window::PredictLinear => regression::prediction(slice, parameter(0)),
        Window::Present => Some(1.0),
        Window::Quantile => Some(quantile::quantile(parameter(0), &mut values.to_vec())),
        Window::Resets => Some(over_time::resets(values)),
        Window::Stddev => Some(over_time::variance(values).sqrt()),
        Window::Stdvar => Some(over_time::variance(values)),
        Window::Sum => Some(over_time::sum(values)),
        Window::TimeOfFirst => Some(seconds(times_ms[0])),
        Window::TimeOfLast => Some(seconds(times_ms[last])),
        Window::TimeOfMax => Some(seconds(
            times_ms[over_time::position(values, |value, best| value >= best)],
        )),
        Window::TimeOfMin => Some(seconds(
            times_ms[over_time::position(values, |value, best| value <= best)],
        )),
        // These have their own way along a series.
        Window::Delta | Window::Increase | Window::Rate => None,
    }
}
