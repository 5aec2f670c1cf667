//! Durations, as written or calculated: `5m`, `5m * 2`, `max(step(), 1m)`.
//!
//! Numbers in a calculation are seconds. `step()` and `range()` are those of the query, and none for one moment, so a
//! length is known only where the query's times are.

use std::fmt::Write as _;
use std::sync::Arc;

use super::ast::Operator;
use super::duration::{LONGEST_MS, format_duration};
use super::format::decimal;
use crate::time::EvaluationTimes;

/// A duration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Length {
    /// Milliseconds; for a calculated one as far as it is known.
    pub(crate) milliseconds: i64,
    calculation: Option<Arc<Calculation>>,
}

/// How a length is calculated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Calculation {
    /// Seconds.
    Number(f64),
    /// Milliseconds, written as a duration.
    Duration(i64),
    Step,
    Range,
    Negative(Box<Calculation>),
    Parentheses(Box<Calculation>),
    Smaller(Box<Calculation>, Box<Calculation>),
    Larger(Box<Calculation>, Box<Calculation>),
    Operation(Operator, Box<Calculation>, Box<Calculation>),
}

/// Why a length cannot be calculated.
pub(crate) type Reason = &'static str;

impl Length {
    /// As it is written.
    pub(crate) const fn fixed(milliseconds: i64) -> Self {
        Self {
            milliseconds,
            calculation: None,
        }
    }

    /// A calculated one. Where it is the same for all times of the query it is known at once.
    pub(crate) fn calculated(calculation: Calculation) -> Result<Self, Reason> {
        if calculation.is_plain() {
            return Ok(Self::fixed(milliseconds(calculation.seconds(None)?)?));
        }
        let known = if calculation.depends_on_times() {
            0
        } else {
            milliseconds(calculation.seconds(None)?)?
        };
        Ok(Self {
            milliseconds: known,
            calculation: Some(Arc::new(calculation)),
        })
    }

    /// Whether it is known only where the query's times are.
    pub(crate) fn depends_on_times(&self) -> bool {
        let calculation = self.calculation.as_deref();
        calculation.is_some_and(Calculation::depends_on_times)
    }

    /// Calculates it for a query at these times.
    pub(crate) fn settle(&mut self, span: EvaluationTimes) -> Result<(), Reason> {
        if let Some(calculation) = &self.calculation {
            self.milliseconds = milliseconds(calculation.seconds(Some(span))?)?;
        }
        Ok(())
    }

    /// Whether it is more than nothing, as far as that is known.
    pub(crate) fn may_be_positive(&self) -> bool {
        self.milliseconds > 0 || self.depends_on_times()
    }

    /// As it is read again.
    pub(crate) fn text(&self) -> String {
        match &self.calculation {
            None => format_duration(self.milliseconds),
            Some(calculation) => calculation.text(),
        }
    }
}

fn milliseconds(seconds: f64) -> Result<i64, Reason> {
    let milliseconds = seconds * 1000.0;
    if !milliseconds.is_finite() || milliseconds.abs() > LONGEST_MS as f64 {
        return Err("duration out of range");
    }
    Ok(milliseconds.round() as i64)
}

impl Calculation {
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::Duration(_) | Self::Step | Self::Range => Vec::new(),
            Self::Negative(inner) | Self::Parentheses(inner) => vec![inner],
            Self::Smaller(left, right) | Self::Larger(left, right) | Self::Operation(_, left, right) => {
                vec![left, right]
            }
        }
    }

    /// Whether it is one number or duration, with or without a sign.
    fn is_plain(&self) -> bool {
        match self {
            Self::Number(_) | Self::Duration(_) => true,
            Self::Negative(inner) => matches!(**inner, Self::Number(_) | Self::Duration(_)),
            _ => false,
        }
    }

    fn depends_on_times(&self) -> bool {
        matches!(self, Self::Step | Self::Range) || self.children().into_iter().any(Self::depends_on_times)
    }

    /// Its value; what depends on times is none without them.
    fn seconds(&self, span: Option<EvaluationTimes>) -> Result<f64, Reason> {
        let of_milliseconds = |milliseconds: i64| milliseconds as f64 / 1000.0;
        Ok(match self {
            Self::Number(seconds) => *seconds,
            Self::Duration(milliseconds) => of_milliseconds(*milliseconds),
            Self::Step => span.map_or(0.0, |span| of_milliseconds(span.step_ms)),
            Self::Range => span.map_or(0.0, |span| of_milliseconds(span.end_ms - span.start_ms)),
            Self::Negative(inner) => -inner.seconds(span)?,
            Self::Parentheses(inner) => inner.seconds(span)?,
            Self::Smaller(left, right) => left.seconds(span)?.min(right.seconds(span)?),
            Self::Larger(left, right) => left.seconds(span)?.max(right.seconds(span)?),
            Self::Operation(operator, left, right) => {
                let (left, right) = (left.seconds(span)?, right.seconds(span)?);
                match operator {
                    Operator::Add => left + right,
                    Operator::Subtract => left - right,
                    Operator::Multiply => left * right,
                    Operator::Divide if right == 0.0 => return Err("division by zero"),
                    Operator::Divide => left / right,
                    Operator::Modulo if right == 0.0 => return Err("modulo by zero"),
                    Operator::Modulo => left % right,
                    Operator::Power => left.powf(right),
                    _ => return Err("durations are not compared"),
                }
            }
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        let mut call = |name: &str, arguments: &[&Self]| {
            let arguments: Vec<String> = arguments.iter().map(|argument| argument.text()).collect();
            let _ = write!(text, "{name}({})", arguments.join(", "));
        };
        match self {
            Self::Step => call("step", &[]),
            Self::Range => call("range", &[]),
            Self::Smaller(left, right) => call("min", &[left, right]),
            Self::Larger(left, right) => call("max", &[left, right]),
            Self::Parentheses(inner) => call("", &[inner]),
            Self::Number(seconds) => text.push_str(&decimal(*seconds)),
            Self::Duration(milliseconds) => text.push_str(&format_duration(*milliseconds)),
            Self::Negative(inner) => {
                text.push('-');
                inner.write(text);
            }
            Self::Operation(operator, left, right) => {
                let _ = write!(text, "{} {} {}", left.text(), operator.as_str(), right.text());
            }
        }
    }
}
