//! `label_replace` and `label_join`: other labels for the same values.

use super::row::{Row, merged};
use super::{EvaluateError, Evaluator};
use crate::limits::{Limit, OverLimit};
use crate::matchers::whole;
use crate::syntax::ast::{Expr, Node};
use crate::syntax::text::quote;
use crate::time::Steps;
use keirin_model::series::METRIC_NAME;

/// The text of a literal, where it is UTF-8.
pub(super) fn text(expr: &Expr) -> Result<String, EvaluateError> {
    let Node::Text(bytes) = &expr.bare().node else {
        return Err(EvaluateError::NoColumn);
    };
    String::from_utf8(bytes.clone())
        .map_err(|_| EvaluateError::Argument(format!("the text {} is not UTF-8", quote(bytes))))
}

/// The name of a label.
pub(super) fn label_name(expr: &Expr, what: &str) -> Result<String, EvaluateError> {
    let invalid = |name: &[u8]| EvaluateError::Argument(format!("invalid {what}: {}", quote(name)));
    match &expr.bare().node {
        Node::Text(bytes) => match String::from_utf8(bytes.clone()) {
            Ok(name) if !name.is_empty() => Ok(name),
            _ => Err(invalid(bytes)),
        },
        _ => Err(EvaluateError::NoColumn),
    }
}

impl Evaluator<'_> {
    pub(super) fn label_replace(
        &mut self,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let target = label_name(&arguments[1], "destination label name in label_replace()")?;
        let replacement = text(&arguments[2])?;
        let source = text(&arguments[3])?;
        let expression = text(&arguments[4])?;
        let regex = whole(&expression, self.options.limits.regex_bytes).map_err(|reason| {
            let message = format!("invalid regular expression in label_replace(): {expression}: {reason}");
            EvaluateError::Argument(message)
        })?;
        let mut rows = self.vector(&arguments[0], steps)?;
        for row in &mut rows {
            let Some(found) = regex.captures(row.labels.get(&source)) else {
                continue;
            };
            // How long it becomes is known before it is put together: each reference is at most the whole value.
            let longest = found[0].len().saturating_mul(replacement.matches('$').count());
            self.label_length(longest.saturating_add(replacement.len()))?;
            let mut value = String::new();
            found.expand(&replacement, &mut value);
            self.set_label(row, &target, &value)?;
        }
        merged(rows)
    }

    pub(super) fn label_join(&mut self, arguments: &[Expr], steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        let target = label_name(&arguments[1], "destination label name in label_join()")?;
        let separator = text(&arguments[2])?;
        let sources = arguments[3..]
            .iter()
            .map(|argument| label_name(argument, "source label name in label_join()"))
            .collect::<Result<Vec<_>, _>>()?;
        let mut rows = self.vector(&arguments[0], steps)?;
        for row in &mut rows {
            let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
            let value = values.join(&separator);
            self.set_label(row, &target, &value)?;
        }
        merged(rows)
    }

    /// Takes the memory for a label's value from the budget, eight bytes like a sample.
    fn label_length(&mut self, bytes: usize) -> Result<(), EvaluateError> {
        let allowed = self.options.limits.label_bytes;
        if bytes > allowed {
            return Err(OverLimit::new(Limit::LabelLength, allowed as u64).into());
        }
        Ok(self.budget.samples(bytes as u64 / 8)?)
    }

    pub(super) fn set_label(&mut self, row: &mut Row, name: &str, value: &str) -> Result<(), EvaluateError> {
        self.label_length(value.len())?;
        row.labels = row.labels.with(name, value);
        if name == METRIC_NAME {
            row.drop_name = false;
        }
        Ok(())
    }
}
