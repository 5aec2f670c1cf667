//! `topk`, `bottomk` and `limitk`: some of the series of a group, as they are.

use super::aggregate::Groups;
use super::row::{ABSENT, Row, is_absent, without_empty};
use super::sort::by_value;
use super::{EvaluateError, Evaluator};
use crate::syntax::ast::{Aggregation, Aggregator, Expr};
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn rank(
        &mut self,
        aggregation: &Aggregation,
        count: &Expr,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let counts = self.scalar(count, steps)?;
        if counts.iter().all(|count| *count < 1.0) {
            return Ok(Vec::new());
        }
        check_counts(&counts)?;
        let mut rows = self.vector(&aggregation.inner, steps)?;
        let members = Groups::of(&rows, aggregation).members();
        let mut ranked: Vec<(usize, f64)> = Vec::new();
        // The order of an instant query's result.
        let mut order = Vec::new();
        for (step, count) in counts.iter().enumerate() {
            for group in &members {
                ranked.clear();
                let values = group.iter().map(|row| (*row, rows[*row].values[step]));
                ranked.extend(values.filter(|(_, value)| !is_absent(*value)));
                if aggregation.operator != Aggregator::Limitk {
                    let descending = aggregation.operator == Aggregator::Topk;
                    // Of equal values the labels decide, so that it is the same ones at each step.
                    ranked.sort_by(|left, right| {
                        by_value(left.1, right.1, descending)
                            .then_with(|| rows[left.0].labels.cmp(&rows[right.0].labels))
                    });
                }
                let kept = (*count as usize).min(ranked.len());
                for (row, _) in &ranked[kept..] {
                    rows[*row].values[step] = ABSENT;
                }
                if steps.count == 1 {
                    order.extend(ranked[..kept].iter().map(|(row, _)| *row));
                }
            }
        }
        if steps.count == 1 {
            return Ok(order.into_iter().map(|row| rows[row].clone()).collect());
        }
        Ok(without_empty(rows))
    }
}

fn check_counts(counts: &[f64]) -> Result<(), EvaluateError> {
    if counts.iter().any(|count| count.is_nan()) {
        return Err(EvaluateError::Argument("Parameter value is NaN".to_owned()));
    }
    if let Some(count) = counts
        .iter()
        .find(|count| **count <= i64::MIN as f64 || **count >= i64::MAX as f64)
    {
        let flows = if *count < 0.0 { "underflows" } else { "overflows" };
        let message = format!("Scalar value {count} {flows} int64");
        return Err(EvaluateError::Argument(message));
    }
    Ok(())
}
