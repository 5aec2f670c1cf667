//! Operators between two vectors: which series belong together, and what becomes of each pair.

use std::collections::HashMap;

use keirin_model::series::{Labels, METRIC_NAME};

use super::arithmetic::between;
use super::row::{ABSENT, Row, is_absent, is_metadata, merged, without_empty};
use super::{EvaluateError, Evaluator};
use crate::syntax::ast::{Binary, Matching};
use crate::syntax::text::quote;
use crate::time::Steps;

/// Which rows of two vectors belong together, found once for each series.
pub(super) struct Signatures {
    /// The number of what is compared of each row on the left, and on the right.
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
    pub(super) count: usize,
}

impl Signatures {
    pub(super) fn of(left: &[Row], right: &[Row], matching: &Matching) -> Self {
        let mut known = HashMap::new();
        let mut number = |rows: &[Row]| -> Vec<usize> {
            rows.iter()
                .map(|row| {
                    let next = known.len();
                    *known.entry(compared(&row.labels, matching)).or_insert(next)
                })
                .collect()
        };
        let (left, right) = (number(left), number(right));
        Self {
            left,
            right,
            count: known.len(),
        }
    }
}

/// The labels that have to be equal.
fn compared(labels: &Labels, matching: &Matching) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on {
        labels.filtered(named)
    } else {
        labels.filtered(|name| name != METRIC_NAME && !named(name))
    }
}

impl Evaluator<'_> {
    /// The pairs of two vectors. On the one side each signature may be there once at a step.
    pub(super) fn matched(
        &mut self,
        binary: &Binary,
        left: Vec<Row>,
        right: &[Row],
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        let matching = &binary.matching;
        let signatures = Signatures::of(&left, right, matching);
        let many_left = matching.group.as_ref().is_none_or(|group| group.many_left);
        let (left_fill, right_fill) = matching.fill;
        let sides = if many_left {
            Sides {
                many: Side::new(&left, &signatures.left, left_fill),
                one: Side::new(right, &signatures.right, right_fill),
                many_left,
            }
        } else {
            Sides {
                many: Side::new(right, &signatures.right, right_fill),
                one: Side::new(&left, &signatures.left, left_fill),
                many_left,
            }
        };
        sides.check_one(matching, signatures.count, steps)?;
        let mut pairs = Pairs {
            binary,
            many_left,
            steps,
            matched: vec![HashMap::new(); signatures.count],
            rows: Vec::new(),
        };
        let ones = sides.one.by_signature(signatures.count);
        for (row, signature) in sides.many.rows.iter().zip(sides.many.signatures) {
            let ones = &ones[*signature];
            for one in ones {
                self.budget.vector(pairs.rows.len() + 1, 0)?;
                self.budget.samples(steps.count as u64)?;
                pairs.add(*signature, row, &sides.one.rows[*one])?;
            }
            if let Some(fill) = sides.one.fill {
                self.budget.samples(2 * steps.count as u64)?;
                let standing_in = sides.one.filled(fill, ones, row, matching);
                pairs.add(*signature, row, &standing_in)?;
            }
        }
        if let Some(fill) = sides.many.fill {
            for (row, signature) in sides.one.rows.iter().zip(sides.one.signatures) {
                self.budget.samples(2 * steps.count as u64)?;
                let mut standing_in = Row {
                    labels: compared(&row.labels, matching),
                    drop_name: false,
                    values: vec![fill; steps.count],
                };
                pairs.leave_unmatched(*signature, &mut standing_in);
                pairs.add(*signature, &standing_in, row)?;
            }
        }
        merged(without_empty(pairs.rows))
    }
}

struct Side<'a> {
    rows: &'a [Row],
    signatures: &'a [usize],
    /// What stands in for a series that is missing.
    fill: Option<f64>,
}

impl<'a> Side<'a> {
    const fn new(rows: &'a [Row], signatures: &'a [usize], fill: Option<f64>) -> Self {
        Self {
            rows,
            signatures,
            fill,
        }
    }

    fn by_signature(&self, count: usize) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); count];
        for (row, signature) in self.signatures.iter().enumerate() {
            rows[*signature].push(row);
        }
        rows
    }

    /// What stands in for the ones that are missing where the other row has a value.
    fn filled(&self, fill: f64, ones: &[usize], other: &Row, matching: &Matching) -> Row {
        let stands_in = |step: usize| ones.iter().all(|one| is_absent(self.rows[*one].values[step]));
        Row {
            labels: compared(&other.labels, matching),
            drop_name: false,
            values: (0..other.values.len())
                .map(|step| if stands_in(step) { fill } else { ABSENT })
                .collect(),
        }
    }

    fn has_value(&self, step: usize) -> bool {
        self.rows.iter().any(|row| !is_absent(row.values[step]))
    }
}

struct Sides<'a> {
    many: Side<'a>,
    one: Side<'a>,
    many_left: bool,
}

impl Sides<'_> {
    /// Makes sure that at each step with anything to match, no two rows on the one side have the same signature.
    fn check_one(&self, matching: &Matching, count: usize, steps: Steps) -> Result<(), EvaluateError> {
        for rows in self.one.by_signature(count) {
            if rows.len() < 2 {
                continue;
            }
            for step in 0..steps.count {
                let mut present = rows
                    .iter()
                    .filter(|row| !is_absent(self.one.rows[**row].values[step]));
                let (Some(first), Some(second)) = (present.next(), present.next()) else {
                    continue;
                };
                if self.many.has_value(step) || self.many.fill.is_some() || self.one.fill.is_some() {
                    let labels = [first, second].map(|row| &self.one.rows[*row].labels);
                    return Err(self.twice(matching, labels));
                }
            }
        }
        Ok(())
    }

    fn twice(&self, matching: &Matching, labels: [&Labels; 2]) -> EvaluateError {
        let side = if self.many_left { "right" } else { "left" };
        let group = braced(&compared(labels[0], matching));
        let mut both = labels.map(braced);
        both.sort();
        EvaluateError::Matching(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            both[0], both[1]
        ))
    }
}

/// Labels in braces, the name of the metric among them.
fn braced(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value.as_bytes())))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

struct Pairs<'a> {
    binary: &'a Binary,
    many_left: bool,
    steps: Steps,
    /// For each signature, at which steps there was a pair; where many are allowed, for each labels of a pair.
    matched: Vec<HashMap<Option<Labels>, Vec<bool>>>,
    rows: Vec<Row>,
}

impl Pairs<'_> {
    fn add(&mut self, signature: usize, many: &Row, one: &Row) -> Result<(), EvaluateError> {
        let Binary {
            operator,
            returns_bool,
            matching,
            ..
        } = self.binary;
        let labels = self.result_labels(&many.labels, &one.labels);
        let key = matching.group.as_ref().map(|_| labels.clone());
        let matched = self.matched[signature]
            .entry(key)
            .or_insert_with(|| vec![false; self.steps.count]);
        let mut values = vec![ABSENT; self.steps.count];
        for (step, result) in values.iter_mut().enumerate() {
            let (many, one) = (many.values[step], one.values[step]);
            if is_absent(many) || is_absent(one) {
                continue;
            }
            if std::mem::replace(&mut matched[step], true) {
                return Err(self.matched_twice());
            }
            let (left, right) = if self.many_left { (many, one) } else { (one, many) };
            *result = between(*operator, *returns_bool, left, right, left);
        }
        self.rows.push(Row {
            labels,
            // Arithmetic takes the name away at once, so that one that is taken from the other side stays.
            drop_name: *returns_bool || (operator.is_comparison() && many.drop_name),
            values,
        });
        Ok(())
    }

    fn matched_twice(&self) -> EvaluateError {
        let how = match self.binary.matching.group {
            None => "many-to-one matching must be explicit (group_left/group_right)",
            Some(_) => "grouping labels must ensure unique matches",
        };
        EvaluateError::Matching(format!("multiple matches for labels: {how}"))
    }

    /// Takes away the values at the steps at which the signature has been matched.
    fn leave_unmatched(&self, signature: usize, standing_in: &mut Row) {
        for matched in self.matched[signature].values() {
            for (value, matched) in standing_in.values.iter_mut().zip(matched) {
                if *matched {
                    *value = ABSENT;
                }
            }
        }
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let keeps_name = self.binary.operator.is_comparison();
        let named = |name: &str| matching.labels.iter().any(|label| label == name);
        let labels = many.filtered(|name| {
            let compared = matching.group.is_some() || matching.on == named(name);
            compared && (keeps_name || !is_metadata(name))
        });
        let include = matching.group.iter().flat_map(|group| &group.include);
        include.fold(labels, |labels, name| labels.with(name, one.get(name)))
    }
}
