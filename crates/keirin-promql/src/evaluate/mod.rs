//! Evaluating a query: each expression for all steps at once, as columns of values.

mod absent;
mod aggregate;
mod arithmetic;
mod call;
mod count_values;
mod date;
mod error;
mod extrapolate;
mod finish;
mod histogram;
mod invariant;
mod kahan;
mod labels;
mod matching;
mod over_time;
mod quantile;
mod rank;
mod regression;
mod row;
mod select;
mod sets;
mod sort;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

pub use error::EvaluateError;
pub use finish::{Element, QueryResult, Value};
use row::Row;

use crate::annotation::Annotations;
use crate::limits::{Budget, Limit, OverLimit};
use crate::query::Query;
use crate::selection::selections;
use crate::source::{Series, SeriesSource};
use crate::syntax::ast::{Expr, Node, ValueType};
use crate::time::{EvaluationTimes, FARTHEST_MS, Options, Steps};

/// Evaluates a query at one time or at many, over the series of a source. The source is asked once for each
/// [selection](Query::selections) that differs from the others.
///
/// # Errors
/// The source fails, a limit is gone over, or the query cannot be answered with these series.
pub fn evaluate(
    query: &Query,
    span: EvaluationTimes,
    source: &dyn SeriesSource,
    options: &Options,
) -> Result<QueryResult, EvaluateError> {
    let steps = checked_steps(query, span, options)?;
    let expr = query.settled(span).map_err(EvaluateError::Length)?;
    let mut evaluator = Evaluator {
        span,
        options,
        fetched: Vec::new(),
        budget: Budget::new(&options.limits),
        annotations: Annotations::default(),
    };
    evaluator.fetch(&expr, source)?;
    let value = evaluator.answer(&expr, steps)?;
    let (warnings, infos) = evaluator.annotations.into_texts(query.text());
    Ok(QueryResult {
        value,
        warnings,
        infos,
    })
}

fn checked_steps(query: &Query, span: EvaluationTimes, options: &Options) -> Result<Steps, EvaluateError> {
    let in_reach = |time_ms: i64| (-FARTHEST_MS..=FARTHEST_MS).contains(&time_ms);
    if !in_reach(span.start_ms) || !in_reach(span.end_ms) || !in_reach(options.lookback_ms) {
        return Err(EvaluateError::Time);
    }
    if span.step_ms < 0 || span.end_ms < span.start_ms {
        return Err(EvaluateError::Span);
    }
    let value_type = query.value_type();
    if !span.is_instant() && !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
        return Err(EvaluateError::RangeOf(value_type));
    }
    let steps = Steps::of(span.start_ms, span.end_ms, span.step_ms);
    let allowed = options.limits.points_per_series;
    if steps.count as u64 > allowed {
        return Err(OverLimit::new(Limit::PointsPerSeries, allowed).into());
    }
    Ok(steps)
}

/// One evaluation of one query.
struct Evaluator<'a> {
    /// The times of the whole query, to which `start()` and `end()` refer.
    span: EvaluationTimes,
    options: &'a Options,
    /// What each selector has selected.
    fetched: Vec<Arc<[Series]>>,
    budget: Budget,
    annotations: Annotations,
}

/// What an expression gives at all steps.
enum Computed {
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
}

impl Evaluator<'_> {
    fn fetch(&mut self, expr: &Expr, source: &dyn SeriesSource) -> Result<(), EvaluateError> {
        let mut known = HashMap::new();
        for selection in selections(expr, self.span, self.options) {
            if let Some(series) = known.get(&selection) {
                self.fetched.push(Arc::clone(series));
                continue;
            }
            let series: Arc<[Series]> = source.select(&selection)?.into();
            let samples: u64 = series.iter().map(|one| one.samples.len() as u64).sum();
            self.budget.vector(series.len(), 0)?;
            self.budget.samples(samples)?;
            self.fetched.push(Arc::clone(&series));
            known.insert(selection, series);
        }
        Ok(())
    }

    /// What an expression gives at these steps. What is the same at all of them is computed once.
    fn compute(&mut self, expr: &Expr, steps: Steps) -> Result<Computed, EvaluateError> {
        self.go_on()?;
        if steps.count > 1 && !matches!(expr.node, Node::Number { .. }) && invariant::is_invariant(expr) {
            let once = self.compute_each(expr, steps.first())?;
            return self.spread(once, steps);
        }
        self.compute_each(expr, steps)
    }

    fn spread(&mut self, once: Computed, steps: Steps) -> Result<Computed, EvaluateError> {
        Ok(match once {
            Computed::Scalar(values) => Computed::Scalar(vec![values[0]; steps.count]),
            Computed::Vector(rows) => {
                self.budget.vector(rows.len(), steps.count)?;
                let spread = |row: Row| Row {
                    values: vec![row.values[0]; steps.count],
                    ..row
                };
                Computed::Vector(rows.into_iter().map(spread).collect())
            }
        })
    }

    fn compute_each(&mut self, expr: &Expr, steps: Steps) -> Result<Computed, EvaluateError> {
        match &expr.node {
            Node::Number { value, .. } => Ok(Computed::Scalar(vec![*value; steps.count])),
            Node::Vector(selector) => Ok(Computed::Vector(self.select(selector, steps)?)),
            Node::Aggregation(aggregation) => Ok(Computed::Vector(self.aggregate(aggregation, steps)?)),
            Node::Call { function, arguments } => self.call(expr.place, function, arguments, steps),
            Node::Binary(binary) => self.binary(binary, steps),
            Node::Parentheses(inner) => self.compute(inner, steps),
            Node::Unary { negative, inner } => {
                let inner = self.compute(inner, steps)?;
                Ok(if *negative { negated(inner) } else { inner })
            }
            Node::Text(_) | Node::Range { .. } | Node::Subquery { .. } => Err(EvaluateError::NoColumn),
        }
    }

    /// Refuses to go on where whoever asked has ended it.
    fn go_on(&self) -> Result<(), EvaluateError> {
        match self.options.interrupt.is_interrupted() {
            true => Err(EvaluateError::Interrupted),
            false => Ok(()),
        }
    }

    fn vector(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        match self.compute(expr, steps)? {
            Computed::Vector(rows) => Ok(rows),
            Computed::Scalar(_) => Err(EvaluateError::NoColumn),
        }
    }

    fn scalar(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, EvaluateError> {
        match self.compute(expr, steps)? {
            Computed::Scalar(values) => Ok(values),
            Computed::Vector(_) => Err(EvaluateError::NoColumn),
        }
    }
}

fn negated(computed: Computed) -> Computed {
    match computed {
        Computed::Scalar(values) => Computed::Scalar(values.into_iter().map(|value| -value).collect()),
        Computed::Vector(mut rows) => {
            for row in &mut rows {
                row.map(|value| -value);
            }
            Computed::Vector(rows)
        }
    }
}
