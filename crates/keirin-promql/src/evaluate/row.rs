//! A series of a vector with its values at all steps.

use std::collections::HashMap;

use keirin_model::series::{Labels, METRIC_NAME, Sample};

use super::EvaluateError;

/// Stands where a series has no value. It is the marker of a series' end, which no operation gives: what is not a
/// number but a result has other bits.
pub(super) const ABSENT: f64 = Sample::stale(0).value;

/// Whether there is no value.
pub(super) const fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// A series of a vector.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) labels: Labels,
    /// Whether the metric's name no longer fits what the values mean. It is taken away at the very end, so that until
    /// then it still tells series apart.
    pub(super) drop_name: bool,
    /// One for each step, [`ABSENT`] where there is none.
    pub(super) values: Vec<f64>,
}

impl Row {
    /// Changes each value that is there, into something that the metric's name does not fit.
    pub(super) fn map(&mut self, change: impl Fn(f64) -> f64) {
        self.drop_name = true;
        for value in &mut self.values {
            if !is_absent(*value) {
                *value = change(*value);
            }
        }
    }

    /// Whether there is a value at any step.
    pub(super) fn has_values(&self) -> bool {
        self.values.iter().any(|value| !is_absent(*value))
    }
}

/// Takes away what has no value at any step.
pub(super) fn without_empty(mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(Row::has_values);
    rows
}

/// The labels of what a metric has become after its values were changed.
pub(super) fn without_name(labels: &Labels) -> Labels {
    labels.filtered(|name| !is_metadata(name))
}

/// Whether a label says what the values of the metric mean.
pub(super) fn is_metadata(name: &str) -> bool {
    matches!(name, METRIC_NAME | "__type__" | "__unit__")
}

/// Makes one series of all that have the same labels.
///
/// # Errors
/// Two of them have a value at the same step.
pub(super) fn merged(rows: Vec<Row>) -> Result<Vec<Row>, EvaluateError> {
    let mut known = HashMap::with_capacity(rows.len());
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let key = (row.labels.clone(), row.drop_name);
        let Some(index) = known.get(&key) else {
            known.insert(key, merged.len());
            merged.push(row);
            continue;
        };
        let target: &mut Row = &mut merged[*index];
        for (value, other) in target.values.iter_mut().zip(row.values) {
            if is_absent(other) {
                continue;
            }
            if !is_absent(*value) {
                return Err(EvaluateError::SameLabels);
            }
            *value = other;
        }
    }
    Ok(merged)
}
