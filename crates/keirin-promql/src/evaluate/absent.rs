//! `absent` and `absent_over_time`: a value where there is none.

use std::collections::BTreeMap;

use keirin_model::series::{Labels, METRIC_NAME, MatchOperator};

use super::row::{ABSENT, Row, is_absent, without_empty};
use super::{EvaluateError, Evaluator};
use crate::syntax::ast::{Expr, Node};
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn absent(&mut self, vector: &Expr, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        let mut values = vec![1.0; steps.count];
        for row in self.vector(vector, steps)? {
            for (value, present) in values.iter_mut().zip(row.values) {
                if !is_absent(present) {
                    *value = ABSENT;
                }
            }
        }
        Ok(answer(vector, values))
    }

    pub(super) fn absent_over_time(&mut self, range: &Expr, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        let ranged = self.ranged(range, steps)?;
        let mut values = vec![1.0; steps.count];
        for series in &ranged.series {
            let times_ms = series.samples.times_ms();
            let mut next = 0;
            for (step, value) in values.iter_mut().enumerate() {
                let end_ms = ranged.shift.time(self.span, steps.time(step));
                while next < times_ms.len() && times_ms[next] <= end_ms {
                    next += 1;
                }
                if next > 0 && times_ms[next - 1] > end_ms - ranged.range_ms {
                    *value = ABSENT;
                }
            }
        }
        Ok(answer(range, values))
    }
}

fn answer(argument: &Expr, values: Vec<f64>) -> Vec<Row> {
    without_empty(vec![Row {
        labels: implied_labels(argument.bare()),
        drop_name: true,
        values,
    }])
}

/// The labels that a series would have had to have: those that the selector wants to be equal to one value.
fn implied_labels(argument: &Expr) -> Labels {
    let matchers = match &argument.node {
        Node::Vector(selector) | Node::Range { selector, .. } => selector.matchers.as_slice(),
        _ => &[],
    };
    let mut labels: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for matcher in matchers.iter().filter(|matcher| matcher.label != METRIC_NAME) {
        let equal = matcher.operator == MatchOperator::Equal;
        labels
            .entry(&matcher.label)
            .and_modify(|value| *value = None)
            .or_insert(equal.then_some(&*matcher.value));
    }
    let pairs = labels
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)));
    // Names come from a map, so none is there twice.
    Labels::new(pairs).unwrap_or_default()
}
