//! What a query needs to be fetched, computed once before it is evaluated.

use keirin_model::series::Matcher;

use crate::syntax::ast::{At, Expr, Node, Shift};
use crate::syntax::duration::LONGEST_MS;
use crate::syntax::length::Length;
use crate::time::{EvaluationTimes, FARTHEST_MS, Options, Steps};

/// Series that a query needs, and the time within which it needs their samples.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection {
    /// All have to hold. A regular expression has to match the whole value.
    pub matchers: Vec<Matcher>,
    /// Samples after this are needed, in milliseconds since 1970.
    pub from_ms: i64,
    /// Samples up to and with this are needed, in milliseconds since 1970. Before `from_ms` where none is needed.
    pub until_ms: i64,
}

/// One for each selector, in the order in which they stand.
pub(crate) fn selections(expr: &Expr, span: EvaluationTimes, options: &Options) -> Vec<Selection> {
    let mut found = Vec::new();
    let within_reach = |time_ms: i64| time_ms.clamp(-FARTHEST_MS, FARTHEST_MS);
    let span = EvaluationTimes {
        start_ms: within_reach(span.start_ms),
        end_ms: within_reach(span.end_ms),
        ..span
    };
    let steps = Steps::of(span.start_ms, span.end_ms, span.step_ms);
    collect(expr, span, steps, options, &mut found);
    found
}

fn collect(expr: &Expr, span: EvaluationTimes, steps: Steps, options: &Options, found: &mut Vec<Selection>) {
    let mut select = |matchers: &[Matcher], shift: &Shift, range_ms: i64| {
        let (first_ms, last_ms) = shift.times(span, steps);
        found.push(Selection {
            matchers: matchers.to_vec(),
            from_ms: first_ms - range_ms,
            until_ms: last_ms,
        });
    };
    match &expr.node {
        Node::Vector(selector) => select(
            &selector.matchers,
            &selector.shift,
            options.lookback_ms.clamp(0, FARTHEST_MS),
        ),
        Node::Range { selector, range } => select(&selector.matchers, &selector.shift, range.milliseconds),
        Node::Subquery {
            inner,
            range,
            step,
            shift,
        } => {
            let inner_steps = subquery_steps(span, steps, shift, range, step.as_ref(), options);
            collect(inner, span, inner_steps, options, found);
        }
        _ => {
            for child in expr.children() {
                collect(child, span, steps, options, found);
            }
        }
    }
}

/// The times at which the inside of a subquery is evaluated.
pub(crate) fn subquery_steps(
    span: EvaluationTimes,
    steps: Steps,
    shift: &Shift,
    range: &Length,
    step: Option<&Length>,
    options: &Options,
) -> Steps {
    let (first_ms, last_ms) = shift.times(span, steps);
    let step_ms = step.map_or(options.subquery_step_ms, |step| step.milliseconds);
    let step_ms = step_ms.clamp(1, LONGEST_MS);
    steps.of_subquery(first_ms - range.milliseconds, last_ms, step_ms)
}

impl Shift {
    /// The time that is looked at when the evaluation is at this time.
    pub(crate) fn time(&self, span: EvaluationTimes, time_ms: i64) -> i64 {
        let base_ms = match self.at {
            Some(At::Time(at_ms)) => at_ms,
            Some(At::Start) => span.start_ms,
            Some(At::End) => span.end_ms,
            None => time_ms,
        };
        base_ms - self.offset.milliseconds
    }

    /// The first and the last time that is looked at.
    fn times(&self, span: EvaluationTimes, steps: Steps) -> (i64, i64) {
        (self.time(span, steps.start_ms), self.time(span, steps.last_ms()))
    }
}
