//! Operators between numbers, and between each value of a vector and a number.

use super::row::{ABSENT, Row, is_absent, without_empty};
use super::{Computed, EvaluateError, Evaluator};
use crate::syntax::ast::{Binary, Operator};
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn binary(&mut self, binary: &Binary, steps: Steps) -> Result<Computed, EvaluateError> {
        let left = self.compute(&binary.left, steps)?;
        let right = self.compute(&binary.right, steps)?;
        Ok(match (left, right) {
            (Computed::Scalar(left), Computed::Scalar(right)) => {
                let pairs = left.into_iter().zip(right);
                Computed::Scalar(
                    pairs
                        .map(|(left, right)| number(binary.operator, left, right))
                        .collect(),
                )
            }
            (Computed::Vector(rows), Computed::Scalar(numbers)) => {
                Computed::Vector(with_numbers(binary, rows, &numbers, false))
            }
            (Computed::Scalar(numbers), Computed::Vector(rows)) => {
                Computed::Vector(with_numbers(binary, rows, &numbers, true))
            }
            (Computed::Vector(left), Computed::Vector(right)) => {
                let rows = if binary.operator.is_set() {
                    self.set_operation(binary, left, right, steps)?
                } else {
                    self.matched(binary, left, &right, steps)?
                };
                Computed::Vector(rows)
            }
        })
    }
}

fn with_numbers(binary: &Binary, mut rows: Vec<Row>, numbers: &[f64], number_left: bool) -> Vec<Row> {
    let Binary {
        operator,
        returns_bool,
        ..
    } = binary;
    for row in &mut rows {
        row.drop_name |= !operator.is_comparison() || *returns_bool;
        for (value, number) in row.values.iter_mut().zip(numbers) {
            if is_absent(*value) {
                continue;
            }
            let (left, right) = if number_left {
                (*number, *value)
            } else {
                (*value, *number)
            };
            *value = between(*operator, *returns_bool, left, right, *value);
        }
    }
    without_empty(rows)
}

/// What an operator gives for two values of vectors; of a comparison that holds, this one stays.
pub(super) fn between(operator: Operator, returns_bool: bool, left: f64, right: f64, stays: f64) -> f64 {
    let result = number(operator, left, right);
    if !operator.is_comparison() || returns_bool {
        result
    } else if result == 1.0 {
        stays
    } else {
        ABSENT
    }
}

/// What an operator gives for two numbers; 1 and 0 for comparisons.
fn number(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        Operator::Power => left.powf(right),
        Operator::Atan2 => left.atan2(right),
        Operator::Equal => f64::from(left == right),
        Operator::NotEqual => f64::from(left != right),
        Operator::Greater => f64::from(left > right),
        Operator::Less => f64::from(left < right),
        Operator::GreaterOrEqual => f64::from(left >= right),
        Operator::LessOrEqual => f64::from(left <= right),
        // Set operators act on series.
        Operator::And | Operator::Or | Operator::Unless => f64::NAN,
    }
}
