//! Calls of functions: what they do to their arguments.

use super::row::{ABSENT, Row, is_absent, without_empty};
use super::{Computed, EvaluateError, Evaluator, date};
use crate::syntax::TextRange;
use crate::syntax::ast::{Expr, Node};
use crate::syntax::function::{Action, Function};
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn call(
        &mut self,
        place: TextRange,
        function: &Function,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Computed, EvaluateError> {
        let rows = match function.action {
            Action::Constant(_)
            | Action::End
            | Action::LargerOf
            | Action::Range
            | Action::ScalarOf
            | Action::SmallerOf
            | Action::Start
            | Action::Step
            | Action::Time => {
                return Ok(Computed::Scalar(self.number(
                    function.action,
                    arguments,
                    steps,
                )?));
            }
            Action::Map(map) => self.mapped(&arguments[0], steps, map)?,
            Action::Date(part) => match arguments {
                [] => vec![anonymous(date::of_steps(part, steps))],
                [seconds, ..] => self.mapped(seconds, steps, |seconds| date::part_of(part, seconds))?,
            },
            Action::Window(window) => self.window(window, arguments, steps)?,
            Action::Absent => self.absent(&arguments[0], steps)?,
            Action::AbsentOverTime => self.absent_over_time(&arguments[0], steps)?,
            Action::Clamp => self.clamp(&arguments[0], Some(&arguments[1]), Some(&arguments[2]), steps)?,
            Action::ClampMax => self.clamp(&arguments[0], None, Some(&arguments[1]), steps)?,
            Action::ClampMin => self.clamp(&arguments[0], Some(&arguments[1]), None, steps)?,
            Action::Round => self.round(arguments, steps)?,
            Action::HistogramFraction => self.histogram_fraction(arguments, steps)?,
            Action::HistogramQuantile => self.histogram_quantile(arguments, steps)?,
            Action::HistogramQuantiles => self.histogram_quantiles(arguments, steps)?,
            Action::LabelJoin => self.label_join(arguments, steps)?,
            Action::LabelReplace => self.label_replace(arguments, steps)?,
            Action::Nothing => {
                self.vector(&arguments[0], steps)?;
                Vec::new()
            }
            Action::Sort { descending } => self.sort(place, &arguments[0], descending, steps)?,
            Action::SortByLabel { descending } => self.sort_by_label(place, arguments, descending, steps)?,
            Action::Timestamp => self.timestamp(&arguments[0], steps)?,
            Action::VectorOf => vec![anonymous(self.scalar(&arguments[0], steps)?)],
        };
        Ok(Computed::Vector(rows))
    }

    fn number(
        &mut self,
        action: Action,
        arguments: &[Expr],
        steps: Steps,
    ) -> Result<Vec<f64>, EvaluateError> {
        let span = self.span;
        let constant = match action {
            Action::Constant(value) => value,
            Action::Start => seconds(span.start_ms),
            Action::End => seconds(span.end_ms),
            Action::Range => seconds(span.end_ms - span.start_ms),
            Action::Step if span.start_ms == span.end_ms => 0.0,
            Action::Step => seconds(span.step_ms),
            Action::Time => return Ok((0..steps.count).map(|step| seconds(steps.time(step))).collect()),
            Action::ScalarOf => return self.only_value(&arguments[0], steps),
            _ => {
                let left = self.scalar(&arguments[0], steps)?;
                let right = self.scalar(&arguments[1], steps)?;
                let larger = matches!(action, Action::LargerOf);
                let pairs = left.into_iter().zip(right);
                return Ok(pairs.map(|(left, right)| better(left, right, larger)).collect());
            }
        };
        Ok(vec![constant; steps.count])
    }

    /// The value of the one series that has any, at each step.
    fn only_value(&mut self, vector: &Expr, steps: Steps) -> Result<Vec<f64>, EvaluateError> {
        let rows = self.vector(vector, steps)?;
        let mut values = vec![ABSENT; steps.count];
        let mut found = vec![0_usize; steps.count];
        for row in &rows {
            for (step, value) in row
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| !is_absent(**value))
            {
                values[step] = *value;
                found[step] += 1;
            }
        }
        for (value, found) in values.iter_mut().zip(found) {
            if found != 1 {
                *value = f64::NAN;
            }
        }
        Ok(values)
    }

    pub(super) fn mapped(
        &mut self,
        vector: &Expr,
        steps: Steps,
        map: impl Fn(f64) -> f64,
    ) -> Result<Vec<Row>, EvaluateError> {
        let mut rows = self.vector(vector, steps)?;
        for row in &mut rows {
            row.map(&map);
        }
        Ok(rows)
    }

    fn clamp(
        &mut self,
        vector: &Expr,
        least: Option<&Expr>,
        most: Option<&Expr>,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let mut rows = self.vector(vector, steps)?;
        let least = match least {
            Some(least) => self.scalar(least, steps)?,
            None => vec![f64::NEG_INFINITY; steps.count],
        };
        let most = match most {
            Some(most) => self.scalar(most, steps)?,
            None => vec![f64::INFINITY; steps.count],
        };
        for row in &mut rows {
            row.drop_name = true;
            for (value, (least, most)) in row.values.iter_mut().zip(least.iter().zip(&most)) {
                if most < least {
                    *value = ABSENT;
                } else if !is_absent(*value) {
                    *value = better(*least, better(*most, *value, false), true);
                }
            }
        }
        Ok(without_empty(rows))
    }

    fn round(&mut self, arguments: &[Expr], steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        let mut rows = self.vector(&arguments[0], steps)?;
        let nearest = match arguments.get(1) {
            Some(nearest) => self.scalar(nearest, steps)?,
            None => vec![1.0; steps.count],
        };
        for row in &mut rows {
            row.drop_name = true;
            for (value, nearest) in row.values.iter_mut().zip(&nearest) {
                if !is_absent(*value) {
                    // The inverse loses fewer digits; ties go up.
                    let inverse = 1.0 / nearest;
                    *value = (*value * inverse + 0.5).floor() / inverse;
                }
            }
        }
        Ok(rows)
    }

    fn timestamp(&mut self, vector: &Expr, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        if let Node::Vector(selector) = &vector.bare().node {
            return self.timestamps(selector, steps);
        }
        let mut rows = self.vector(vector, steps)?;
        for row in &mut rows {
            row.drop_name = true;
            for (step, value) in row.values.iter_mut().enumerate() {
                if !is_absent(*value) {
                    *value = seconds(steps.time(step));
                }
            }
        }
        Ok(rows)
    }
}

/// A series without labels.
pub(super) fn anonymous(values: Vec<f64>) -> Row {
    Row {
        labels: Default::default(),
        drop_name: false,
        values,
    }
}

const fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// The larger or the smaller of two. Infinity on the side that is looked for wins over what is no number; any other
/// number does not.
fn better(left: f64, right: f64, larger: bool) -> f64 {
    let best = if larger { f64::INFINITY } else { f64::NEG_INFINITY };
    if left == best || right == best {
        best
    } else if left.is_nan() || right.is_nan() {
        f64::NAN
    } else if larger {
        left.max(right)
    } else {
        left.min(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_is_the_largest_whatever_the_other_is() {
        assert_eq!(better(f64::NAN, f64::INFINITY, true), f64::INFINITY);
        assert_eq!(better(f64::NEG_INFINITY, f64::NAN, false), f64::NEG_INFINITY);
        assert!(better(f64::NAN, f64::NEG_INFINITY, true).is_nan());
        assert!(better(1.0, f64::NAN, false).is_nan());
        assert_eq!(better(1.0, 2.0, true), 2.0);
    }
}
