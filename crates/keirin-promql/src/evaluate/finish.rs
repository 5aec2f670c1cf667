//! From rows to the answer: names taken away, series with the same labels joined, sorted.

use keirin_model::series::{Labels, Sample};

use super::row::{Row, is_absent, merged, without_name};
use super::{EvaluateError, Evaluator};
use crate::source::{Samples, Series};
use crate::syntax::ast::{Expr, Node, ValueType};
use crate::time::Steps;

/// What a query gives.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    /// The values.
    pub value: Value,
    /// Why it may be wrong; each ends with line and column.
    pub warnings: Vec<String>,
    /// Hints on how to ask better; each ends with line and column.
    pub infos: Vec<String>,
}

/// The values that a query gives. A range query always gives a matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(Sample),
    /// Series with one value each, in the order that the query asks for.
    Vector(Vec<Element>),
    /// Series with many values each, sorted by their labels.
    Matrix(Vec<Series>),
    /// A text.
    Text {
        /// The time of the query, in milliseconds since 1970.
        time_ms: i64,
        /// The text; bytes that are no UTF-8 are replaced.
        text: String,
    },
}

/// A series of a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Who it is.
    pub labels: Labels,
    /// Its value, at the time of the query.
    pub sample: Sample,
}

impl Evaluator<'_> {
    pub(super) fn answer(&mut self, expr: &Expr, steps: Steps) -> Result<Value, EvaluateError> {
        match expr.value_type() {
            ValueType::Text => Ok(self.text_answer(expr)),
            ValueType::Matrix => self.matrix_answer(expr, steps),
            ValueType::Scalar => {
                let values = self.scalar(expr, steps)?;
                if self.span.is_instant() {
                    return Ok(Value::Scalar(Sample::new(steps.start_ms, values[0])));
                }
                let row = super::call::anonymous(values);
                Ok(Value::Matrix(vec![series(row, steps)]))
            }
            ValueType::Vector => {
                let rows = finished(self.vector(expr, steps)?)?;
                self.budget.vector(rows.len(), 0)?;
                if self.span.is_instant() {
                    return Ok(Value::Vector(elements(rows, steps)));
                }
                let mut matrix: Vec<Series> = rows.into_iter().map(|row| series(row, steps)).collect();
                matrix.sort_by(|left, right| left.labels.cmp(&right.labels));
                Ok(Value::Matrix(matrix))
            }
        }
    }

    fn text_answer(&self, expr: &Expr) -> Value {
        let text = match &expr.bare().node {
            Node::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Value::Text {
            time_ms: self.span.start_ms,
            text,
        }
    }

    /// The samples of a range selector or subquery themselves.
    fn matrix_answer(&mut self, expr: &Expr, steps: Steps) -> Result<Value, EvaluateError> {
        let ranged = self.ranged(expr, steps)?;
        let end_ms = ranged.shift.time(self.span, steps.start_ms);
        let mut matrix = Vec::new();
        for one in ranged.series {
            let times_ms = one.samples.times_ms();
            let first = times_ms.partition_point(|time_ms| *time_ms <= end_ms - ranged.range_ms);
            let end = times_ms.partition_point(|time_ms| *time_ms <= end_ms);
            if first >= end {
                continue;
            }
            let values = one.samples.values()[first..end].to_vec();
            matrix.push(Series {
                labels: if one.drop_name {
                    without_name(&one.labels)
                } else {
                    one.labels
                },
                samples: Samples::ordered(times_ms[first..end].to_vec(), values),
            });
        }
        matrix.sort_by(|left, right| left.labels.cmp(&right.labels));
        if matrix.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
            return Err(EvaluateError::SameLabels);
        }
        Ok(Value::Matrix(matrix))
    }
}

/// Rows with the names that they are to have.
fn finished(mut rows: Vec<Row>) -> Result<Vec<Row>, EvaluateError> {
    for row in &mut rows {
        if row.drop_name {
            row.labels = without_name(&row.labels);
        }
        row.drop_name = false;
    }
    merged(rows)
}

fn elements(rows: Vec<Row>, steps: Steps) -> Vec<Element> {
    rows.into_iter()
        .filter(|row| !is_absent(row.values[0]))
        .map(|row| Element {
            sample: Sample::new(steps.start_ms, row.values[0]),
            labels: row.labels,
        })
        .collect()
}

fn series(row: Row, steps: Steps) -> Series {
    let present = row
        .values
        .iter()
        .enumerate()
        .filter(|(_, value)| !is_absent(**value));
    Series {
        samples: present
            .map(|(step, value)| Sample::new(steps.time(step), *value))
            .collect(),
        labels: row.labels,
    }
}
