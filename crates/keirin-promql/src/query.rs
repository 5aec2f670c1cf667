//! A query: read once, evaluated as often as one likes.

use std::fmt;
use std::sync::Arc;

use crate::limits::QueryLimits;
use crate::selection::{self, Selection};
use crate::syntax::ast::{At, Expr, Node};
use crate::syntax::function::{Action, Window};
use crate::syntax::length::Reason;
use crate::syntax::{self, SyntaxError, ValueType, format, pretty, tree};
use crate::time::{EvaluationTimes, Options};

/// A query that has been read and makes sense. It is shown in one line, always the same way.
#[derive(Debug, Clone)]
pub struct Query {
    text: Arc<str>,
    expr: Arc<Expr>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// The text is not PromQL, makes no sense, or goes over a limit.
    pub fn parse(text: &str, limits: &QueryLimits) -> Result<Self, SyntaxError> {
        let expr = syntax::parse(text, limits)?;
        Ok(Self {
            text: text.into(),
            expr: Arc::new(expr),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it gives.
    pub fn value_type(&self) -> ValueType {
        self.expr.value_type()
    }

    /// What has to be fetched to evaluate it at these times: one selection for each selector, in the order in which
    /// they stand in the query.
    pub fn selections(&self, span: EvaluationTimes, options: &Options) -> Vec<Selection> {
        // Where a duration is none for these times, evaluating says so.
        self.settled(span)
            .map_or_else(|_| Vec::new(), |expr| selection::selections(&expr, span, options))
    }

    /// The text of a query that gives at any time what this one gives at this time, in milliseconds since 1970: with
    /// all its selectors fixed there. None where it looks at the time of its evaluation by itself.
    pub fn pinned(&self, time_ms: i64) -> Option<String> {
        let mut expr = (*self.expr).clone();
        pin(&mut expr, time_ms).then(|| format::one_line(&expr))
    }

    /// As JSON, in the shape that Prometheus' `/parse_query` gives.
    pub fn tree(&self) -> serde_json::Value {
        tree::tree(&self.expr)
    }

    /// Its expression with all durations as they are for these times.
    pub(crate) fn settled(&self, span: EvaluationTimes) -> Result<Arc<Expr>, Reason> {
        if !self.expr.depends_on_times() {
            return Ok(Arc::clone(&self.expr));
        }
        let mut expr = (*self.expr).clone();
        expr.settle(span)?;
        Ok(Arc::new(expr))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format::one_line(&self.expr))
    }
}

/// The query as text, split where a line would become long, in the way that Prometheus' `/format_query` does it.
pub fn format_query(query: &Query) -> String {
    pretty::lines(&query.expr, 0)
}

/// Fixes the time of all selectors that have none of their own; false where something else looks at the time.
fn pin(expr: &mut Expr, time_ms: i64) -> bool {
    let fix = |at: &mut Option<At>| {
        at.get_or_insert(At::Time(time_ms));
    };
    match &mut expr.node {
        Node::Number { .. } | Node::Text(_) => true,
        Node::Vector(selector) | Node::Range { selector, .. } => {
            fix(&mut selector.shift.at);
            true
        }
        // What is within it is at times that its own time decides.
        Node::Subquery { inner, shift, .. } => {
            fix(&mut shift.at);
            pin(&mut inner.clone(), time_ms)
        }
        Node::Unary { inner, .. } | Node::Parentheses(inner) => pin(inner, time_ms),
        Node::Binary(binary) => pin(&mut binary.left, time_ms) && pin(&mut binary.right, time_ms),
        Node::Aggregation(aggregation) => {
            let parameter = aggregation.parameter.as_deref_mut();
            parameter.is_none_or(|parameter| pin(parameter, time_ms)) && pin(&mut aggregation.inner, time_ms)
        }
        Node::Call { function, arguments } => {
            let looks_at_time = matches!(
                function.action,
                Action::Time
                    | Action::Timestamp
                    | Action::Date(_)
                    | Action::Start
                    | Action::End
                    | Action::Range
                    | Action::Step
                    | Action::Window(Window::PredictLinear)
            );
            !looks_at_time && arguments.iter_mut().all(|argument| pin(argument, time_ms))
        }
    }
}
