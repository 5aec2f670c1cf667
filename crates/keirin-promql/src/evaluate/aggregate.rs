//! Aggregations that make one value of all values of a group.

use std::collections::HashMap;

use keirin_model::series::{Labels, METRIC_NAME};

use super::kahan::{Mean, Sum};
use super::row::{ABSENT, Row, is_absent, without_empty};
use super::{EvaluateError, Evaluator, quantile};
use crate::syntax::ast::{Aggregation, Aggregator, Expr, Node};
use crate::time::Steps;

/// Which rows belong together, found once for each series.
pub(super) struct Groups {
    /// The group of each row.
    pub(super) of_row: Vec<usize>,
    /// The labels of each group.
    pub(super) labels: Vec<Labels>,
    /// Whether any of its rows is to lose its name.
    pub(super) drop_name: Vec<bool>,
}

impl Groups {
    pub(super) fn of(rows: &[Row], aggregation: &Aggregation) -> Self {
        let Aggregation {
            grouping, without, ..
        } = aggregation;
        let named = |name: &str| grouping.iter().any(|label| label == name);
        let mut known = HashMap::new();
        let mut groups = Self {
            of_row: Vec::with_capacity(rows.len()),
            labels: Vec::new(),
            drop_name: Vec::new(),
        };
        for row in rows {
            let labels = if *without {
                row.labels.filtered(|name| name != METRIC_NAME && !named(name))
            } else if grouping.is_empty() {
                Labels::default()
            } else {
                row.labels.filtered(named)
            };
            let next = groups.labels.len();
            let index = *known.entry(labels).or_insert_with_key(|labels| {
                groups.labels.push(labels.clone());
                groups.drop_name.push(false);
                next
            });
            groups.drop_name[index] |= row.drop_name;
            groups.of_row.push(index);
        }
        groups
    }

    /// The rows of each group.
    pub(super) fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.labels.len()];
        for (row, group) in self.of_row.iter().enumerate() {
            members[*group].push(row);
        }
        members
    }
}

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &mut self,
        aggregation: &Aggregation,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let parameter = aggregation.parameter.as_deref().map(Expr::bare);
        match (aggregation.operator, parameter) {
            (
                Aggregator::CountValues,
                Some(Expr {
                    node: Node::Text(label),
                    ..
                }),
            ) => self.count_values(aggregation, label, steps),
            (Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk, Some(count)) => {
                self.rank(aggregation, count, steps)
            }
            (Aggregator::Quantile, Some(wanted)) => self.quantiles(aggregation, wanted, steps),
            _ => self.folded(aggregation, steps),
        }
    }

    fn folded(&mut self, aggregation: &Aggregation, steps: Steps) -> Result<Vec<Row>, EvaluateError> {
        let rows = self.vector(&aggregation.inner, steps)?;
        let groups = Groups::of(&rows, aggregation);
        self.budget.vector(groups.labels.len(), steps.count)?;
        let fold = match aggregation.operator {
            Aggregator::Avg => fold::<Mean>,
            Aggregator::Count => fold::<Count>,
            Aggregator::Group => fold::<One>,
            Aggregator::Max => fold::<Max>,
            Aggregator::Min => fold::<Min>,
            Aggregator::Stddev => fold::<Deviation>,
            Aggregator::Stdvar => fold::<Variance>,
            _ => fold::<Sum>,
        };
        let columns = fold(&rows, &groups, steps.count);
        Ok(groups.rows(columns))
    }

    fn quantiles(
        &mut self,
        aggregation: &Aggregation,
        wanted: &Expr,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let quantiles = self.scalar(wanted, steps)?;
        let place = wanted.place;
        // One warning for each kind of wrong value, about the worst of them.
        let nan = quantiles.iter().find(|quantile| quantile.is_nan()).copied();
        let least = quantiles.iter().copied().fold(f64::INFINITY, f64::min);
        let most = quantiles.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let wrong = [nan, (most > 1.0).then_some(most), (least < 0.0).then_some(least)];
        for text in wrong.into_iter().flatten().filter_map(quantile::invalid) {
            if !quantiles.is_empty() {
                self.annotations.warn(place, text);
            }
        }
        let rows = self.vector(&aggregation.inner, steps)?;
        let groups = Groups::of(&rows, aggregation);
        self.budget.vector(groups.labels.len(), steps.count)?;
        let mut present = Vec::new();
        let columns = groups.members().into_iter().map(|members| {
            let column = (0..steps.count).map(|step| {
                present.clear();
                let values = members.iter().map(|row| rows[*row].values[step]);
                present.extend(values.filter(|value| !is_absent(*value)));
                if present.is_empty() {
                    return ABSENT;
                }
                quantile::quantile(quantiles[step], &mut present)
            });
            column.collect()
        });
        let columns = columns.collect();
        Ok(groups.rows(columns))
    }
}

impl Groups {
    fn rows(self, columns: Vec<Vec<f64>>) -> Vec<Row> {
        let named = self.labels.into_iter().zip(self.drop_name);
        let rows = named.zip(columns).map(|((labels, drop_name), values)| Row {
            labels,
            drop_name,
            values,
        });
        without_empty(rows.collect())
    }
}

/// Makes one value of many, one by one.
trait Fold: Clone {
    fn first(value: f64) -> Self;
    fn add(&mut self, value: f64);
    fn result(&self) -> f64;
}

/// One column for each group. Each row is read once, from its first step to its last.
fn fold<F: Fold>(rows: &[Row], groups: &Groups, steps: usize) -> Vec<Vec<f64>> {
    let mut folded: Vec<Vec<Option<F>>> = vec![vec![None; steps]; groups.labels.len()];
    for (row, group) in rows.iter().zip(&groups.of_row) {
        for (fold, value) in folded[*group].iter_mut().zip(&row.values) {
            if is_absent(*value) {
                continue;
            }
            match fold {
                Some(fold) => fold.add(*value),
                None => *fold = Some(F::first(*value)),
            }
        }
    }
    let result = |fold: Option<F>| fold.map_or(ABSENT, |fold| fold.result());
    folded
        .into_iter()
        .map(|column| column.into_iter().map(result).collect())
        .collect()
}

impl Fold for Sum {
    fn first(value: f64) -> Self {
        Self::of(value)
    }
    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }
    fn result(&self) -> f64 {
        self.total()
    }
}

impl Fold for Mean {
    fn first(value: f64) -> Self {
        Self::of(value)
    }
    fn add(&mut self, value: f64) {
        Self::add(self, value);
    }
    fn result(&self) -> f64 {
        self.mean()
    }
}

#[derive(Clone)]
struct Count(f64);

impl Fold for Count {
    fn first(_: f64) -> Self {
        Self(1.0)
    }
    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }
    fn result(&self) -> f64 {
        self.0
    }
}

#[derive(Clone)]
struct One;

impl Fold for One {
    fn first(_: f64) -> Self {
        Self
    }
    fn add(&mut self, _: f64) {}
    fn result(&self) -> f64 {
        1.0
    }
}

#[derive(Clone)]
struct Max(f64);

impl Fold for Max {
    fn first(value: f64) -> Self {
        Self(value)
    }
    fn add(&mut self, value: f64) {
        if value > self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(&self) -> f64 {
        self.0
    }
}

#[derive(Clone)]
struct Min(f64);

impl Fold for Min {
    fn first(value: f64) -> Self {
        Self(value)
    }
    fn add(&mut self, value: f64) {
        if value < self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(&self) -> f64 {
        self.0
    }
}

/// The mean of the squared distances from the mean (Welford's way of computing it).
#[derive(Clone)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Variance {
    fn first(value: f64) -> Self {
        Self {
            count: 1.0,
            mean: value,
            squares: if value.is_finite() { 0.0 } else { f64::NAN },
        }
    }
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }
    fn result(&self) -> f64 {
        self.squares / self.count
    }
}

#[derive(Clone)]
struct Deviation(Variance);

impl Fold for Deviation {
    fn first(value: f64) -> Self {
        Self(Variance::first(value))
    }
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }
    fn result(&self) -> f64 {
        self.0.result().sqrt()
    }
}
