//! `count_values`: how many series of a group have the same value, for each value.

use std::collections::HashMap;

use keirin_model::series::{Labels, METRIC_NAME};

use super::row::{ABSENT, Row, is_absent};
use super::{EvaluateError, Evaluator};
use crate::syntax::ast::Aggregation;
use crate::syntax::format::decimal;
use crate::syntax::text::quote;
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn count_values(
        &mut self,
        aggregation: &Aggregation,
        label: &[u8],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let label = std::str::from_utf8(label)
            .ok()
            .filter(|label| !label.is_empty())
            .ok_or_else(|| EvaluateError::Argument(format!("invalid label name {}", quote(label))))?;
        let Aggregation {
            grouping, without, ..
        } = aggregation;
        let rows = self.vector(&aggregation.inner, steps)?;
        let named = |name: &str| grouping.iter().any(|listed| listed == name);
        let mut known: HashMap<Labels, usize> = HashMap::new();
        let mut counted: Vec<Row> = Vec::new();
        for row in &rows {
            // All of the labels but the one that the value will be; with `without`, that one may be named too.
            let fixed = if *without {
                row.labels.filtered(|name| name != METRIC_NAME && !named(name))
            } else {
                row.labels.filtered(named)
            };
            let takes_value = !*without || !named(label);
            let mut of_value: HashMap<u64, usize> = HashMap::new();
            for (step, value) in row
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| !is_absent(**value))
            {
                let index = match of_value.get(&value.to_bits()) {
                    Some(index) => *index,
                    None => {
                        let labels = if takes_value {
                            fixed.with(label, &decimal(*value))
                        } else {
                            fixed.clone()
                        };
                        let index = *known.entry(labels).or_insert(counted.len());
                        of_value.insert(value.to_bits(), index);
                        index
                    }
                };
                if index == counted.len() {
                    self.budget.vector(counted.len() + 1, 0)?;
                    self.budget.samples(steps.count as u64)?;
                    counted.push(Row {
                        labels: Labels::default(),
                        drop_name: false,
                        values: vec![ABSENT; steps.count],
                    });
                }
                let count = &mut counted[index].values[step];
                *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
            }
        }
        for (labels, index) in known {
            counted[index].labels = labels;
        }
        Ok(counted)
    }
}
