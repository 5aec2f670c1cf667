//! An expression as text, in one line, always the same way.

use std::fmt::Write as _;

use keirin_model::series::{METRIC_NAME, MatchOperator, Matcher};

use super::ast::{Aggregation, At, Binary, Expr, Matching, Node, Selector, Shift};
use super::duration::format_duration;
use super::length::Length;
use super::text::{is_plain_label, quote};

/// An expression in one line.
pub(crate) fn one_line(expr: &Expr) -> String {
    let mut text = String::new();
    write_expr(&mut text, expr);
    text
}

pub(super) fn write_expr(text: &mut String, expr: &Expr) {
    match &expr.node {
        Node::Number { value, duration } => text.push_str(&number(*value, *duration)),
        Node::Text(bytes) => text.push_str(&quote(bytes)),
        Node::Vector(selector) => {
            write_selected(text, selector);
            write_shift(text, &selector.shift);
        }
        Node::Range { selector, range } => {
            write_selected(text, selector);
            let _ = write!(text, "[{}]", range.text());
            write_shift(text, &selector.shift);
        }
        Node::Subquery { inner, .. } => {
            write_expr(text, inner);
            write_subquery(text, expr);
        }
        Node::Aggregation(aggregation) => {
            write_aggregator(text, aggregation);
            text.push('(');
            if let Some(parameter) = &aggregation.parameter {
                write_expr(text, parameter);
                text.push_str(", ");
            }
            write_expr(text, &aggregation.inner);
            text.push(')');
        }
        Node::Call { function, arguments } => {
            text.push_str(function.name);
            text.push('(');
            for (index, argument) in arguments.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_expr(text, argument);
            }
            text.push(')');
        }
        Node::Binary(binary) => {
            write_expr(text, &binary.left);
            text.push(' ');
            write_operator(text, binary);
            text.push(' ');
            write_expr(text, &binary.right);
        }
        Node::Unary { negative, inner } => {
            text.push(if *negative { '-' } else { '+' });
            write_expr(text, inner);
        }
        Node::Parentheses(inner) => {
            text.push('(');
            write_expr(text, inner);
            text.push(')');
        }
    }
}

/// A number, with no exponent; a duration as such.
fn number(value: f64, duration: bool) -> String {
    if duration {
        return format_duration((value * 1000.0).round() as i64);
    }
    // A sign before the left side of a power would be that of the power.
    decimal(value).trim_start_matches('+').to_owned()
}

/// A number as Prometheus writes it where it takes no exponent.
pub(crate) fn decimal(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// The name and conditions of a selector, without its time.
fn write_selected(text: &mut String, selector: &Selector) {
    let name = selector.name.as_deref();
    text.push_str(name.unwrap_or_default());
    let mut matchers: Vec<String> = selector
        .matchers
        .iter()
        .filter(|matcher| !says_name(matcher, name))
        .map(write_matcher)
        .collect();
    matchers.sort();
    if !matchers.is_empty() {
        let _ = write!(text, "{{{}}}", matchers.join(","));
    }
}

/// Whether this is the condition that the name before the braces stands for.
fn says_name(matcher: &Matcher, name: Option<&str>) -> bool {
    matcher.label == METRIC_NAME
        && matcher.operator == MatchOperator::Equal
        && name == Some(matcher.value.as_str())
}

fn write_matcher(matcher: &Matcher) -> String {
    let operator = matcher.operator.into_str();
    let value = quote(matcher.value.as_bytes());
    format!("{}{operator}{value}", label(&matcher.label))
}

fn label(name: &str) -> String {
    if is_plain_label(name) {
        name.to_owned()
    } else {
        quote(name.as_bytes())
    }
}

fn labels(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| label(name)).collect();
    names.join(", ")
}

fn write_shift(text: &mut String, shift: &Shift) {
    match shift.at {
        Some(At::Time(milliseconds)) => {
            let _ = write!(text, " @ {:.3}", milliseconds as f64 / 1000.0);
        }
        Some(At::Start) => text.push_str(" @ start()"),
        Some(At::End) => text.push_str(" @ end()"),
        None => {}
    }
    if shift.offset != Length::default() {
        let _ = write!(text, " offset {}", shift.offset.text());
    }
}

/// What stands behind the inner expression of a subquery.
pub(super) fn write_subquery(text: &mut String, expr: &Expr) {
    if let Node::Subquery {
        range, step, shift, ..
    } = &expr.node
    {
        let step = step.as_ref().map(Length::text).unwrap_or_default();
        let _ = write!(text, "[{}:{step}]", range.text());
        write_shift(text, shift);
    }
}

/// The name and grouping of an aggregation.
pub(super) fn write_aggregator(text: &mut String, aggregation: &Aggregation) {
    text.push_str(aggregation.operator.as_str());
    if aggregation.without {
        let _ = write!(text, " without ({}) ", labels(&aggregation.grouping));
    } else if !aggregation.grouping.is_empty() {
        let _ = write!(text, " by ({}) ", labels(&aggregation.grouping));
    }
}

/// An operator with all that stands between it and its right operand.
pub(super) fn write_operator(text: &mut String, binary: &Binary) {
    text.push_str(binary.operator.as_str());
    if binary.returns_bool {
        text.push_str(" bool");
    }
    let Matching {
        on,
        labels: names,
        group,
        fill,
    } = &binary.matching;
    if *on || !names.is_empty() || group.is_some() {
        let keyword = if *on { "on" } else { "ignoring" };
        let _ = write!(text, " {keyword} ({})", labels(names));
    }
    if let Some(group) = group {
        let side = if group.many_left { "left" } else { "right" };
        let _ = write!(text, " group_{side} ({})", labels(&group.include));
    }
    match fill {
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
            let _ = write!(text, " fill ({})", decimal(*left));
        }
        (left, right) => {
            for (side, value) in [("left", left), ("right", right)] {
                if let Some(value) = value {
                    let _ = write!(text, " fill_{side} ({})", decimal(*value));
                }
            }
        }
    }
}
