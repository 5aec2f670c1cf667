//! `and`, `or` and `unless`: series of one vector by whether the other has such.

use super::matching::Signatures;
use super::row::{ABSENT, Row, is_absent, merged, without_empty};
use super::{EvaluateError, Evaluator};
use crate::syntax::ast::{Binary, Operator};
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn set_operation(
        &mut self,
        binary: &Binary,
        mut left: Vec<Row>,
        mut right: Vec<Row>,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let signatures = Signatures::of(&left, &right, &binary.matching);
        self.budget
            .samples(signatures.count as u64 * steps.count as u64 / 8)?;
        match binary.operator {
            Operator::Or => {
                let there = presence(&left, &signatures.left, signatures.count, steps);
                keep(&mut right, &signatures.right, &there, false);
                left.append(&mut right);
            }
            operator => {
                let there = presence(&right, &signatures.right, signatures.count, steps);
                keep(&mut left, &signatures.left, &there, operator == Operator::And);
            }
        }
        merged(without_empty(left))
    }
}

/// For each signature, at which steps any row with it has a value.
fn presence(rows: &[Row], signatures: &[usize], count: usize, steps: Steps) -> Vec<Vec<bool>> {
    let mut there = vec![vec![false; steps.count]; count];
    for (row, signature) in rows.iter().zip(signatures) {
        for (there, value) in there[*signature].iter_mut().zip(&row.values) {
            *there |= !is_absent(*value);
        }
    }
    there
}

/// Takes away the values at steps at which the other vector has such a row, or has none.
fn keep(rows: &mut [Row], signatures: &[usize], there: &[Vec<bool>], wanted: bool) {
    for (row, signature) in rows.iter_mut().zip(signatures) {
        for (value, there) in row.values.iter_mut().zip(&there[*signature]) {
            if *there != wanted {
                *value = ABSENT;
            }
        }
    }
}
