//! The order of an instant query's result.

use std::cmp::Ordering;

use super::labels::text;
use super::row::{Row, is_absent};
use super::{EvaluateError, Evaluator};
use crate::syntax::TextRange;
use crate::syntax::ast::Expr;
use crate::time::Steps;

impl Evaluator<'_> {
    pub(super) fn sort(
        &mut self,
        place: TextRange,
        vector: &Expr,
        descending: bool,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        self.warn_of_sorting(place, steps);
        let mut rows = self.vector(vector, steps)?;
        if steps.count == 1 {
            rows.retain(|row| !is_absent(row.values[0]));
            rows.sort_by(|left, right| by_value(left.values[0], right.values[0], descending));
        }
        Ok(rows)
    }

    pub(super) fn sort_by_label(
        &mut self,
        place: TextRange,
        arguments: &[Expr],
        descending: bool,
        steps: Steps,
    ) -> Result<Vec<Row>, EvaluateError> {
        self.warn_of_sorting(place, steps);
        let mut rows = self.vector(&arguments[0], steps)?;
        let labels = arguments[1..].iter().map(text).collect::<Result<Vec<_>, _>>()?;
        rows.sort_by(|left, right| {
            let by_label = labels
                .iter()
                .map(|label| natural(left.labels.get(label), right.labels.get(label)));
            let order = by_label
                .fold(Ordering::Equal, Ordering::then)
                .then_with(|| left.labels.cmp(&right.labels));
            if descending { order.reverse() } else { order }
        });
        Ok(rows)
    }

    fn warn_of_sorting(&mut self, place: TextRange, steps: Steps) {
        if steps.count > 1 {
            let text = "sort is ineffective for range queries since results are always ordered by labels";
            self.annotations.warn(place, text.to_owned());
        }
    }
}

/// By value, with what is not a number last whichever way it is sorted.
pub(super) fn by_value(left: f64, right: f64, descending: bool) -> Ordering {
    let order = left.partial_cmp(&right).unwrap_or(Ordering::Equal);
    let order = if descending { order.reverse() } else { order };
    left.is_nan().cmp(&right.is_nan()).then(order)
}

/// As people sort: numbers within the texts by their value.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let (left_part, left_rest) = part(left);
        let (right_part, right_rest) = part(right);
        if left_part.is_empty() || right_part.is_empty() {
            return left_part.len().cmp(&right_part.len());
        }
        let numbers = is_number(left_part) && is_number(right_part);
        let order = if numbers {
            by_number(left_part, right_part)
        } else {
            left_part.cmp(right_part)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
}

/// The digits or the other characters at the start, and the rest.
fn part(text: &str) -> (&str, &str) {
    let digits = is_number(text);
    let end = text.find(|next: char| next.is_ascii_digit() != digits);
    text.split_at(end.unwrap_or(text.len()))
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

fn by_number(left: &str, right: &str) -> Ordering {
    let (short_left, short_right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    let by_value = short_left
        .len()
        .cmp(&short_right.len())
        .then_with(|| short_left.cmp(short_right));
    by_value.then_with(|| left.len().cmp(&right.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_are_sorted_by_their_value() {
        let mut texts = ["4m600", "4m5", "4m1000", "4", "10", "a"];
        texts.sort_by(|left, right| natural(left, right));
        assert_eq!(texts, ["4", "4m5", "4m600", "4m1000", "10", "a"]);
    }
}
