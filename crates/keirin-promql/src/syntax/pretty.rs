//! An expression as text in which long lines are split.

use super::ast::{Expr, Node};
use super::format::{one_line, write_aggregator, write_operator, write_subquery};

/// Longer expressions are split.
const LONGEST_LINE: usize = 100;

/// An expression in lines, each indented by how deep it stands.
pub(crate) fn lines(expr: &Expr, level: usize) -> String {
    let indent = "  ".repeat(level);
    let line = one_line(expr);
    if line.len() <= LONGEST_LINE {
        return format!("{indent}{line}");
    }
    match &expr.node {
        Node::Aggregation(aggregation) => {
            let mut head = String::new();
            write_aggregator(&mut head, aggregation);
            let inner = match &aggregation.parameter {
                Some(parameter) => format!(
                    "{},\n{}",
                    lines(parameter, level + 1),
                    lines(&aggregation.inner, level + 1)
                ),
                None => lines(&aggregation.inner, level + 1),
            };
            format!("{indent}{head}(\n{inner}\n{indent})")
        }
        Node::Call { function, arguments } => {
            let arguments: Vec<String> = arguments
                .iter()
                .map(|argument| lines(argument, level + 1))
                .collect();
            format!("{indent}{}(\n{}\n{indent})", function.name, arguments.join(",\n"))
        }
        Node::Binary(binary) => {
            let mut operator = String::new();
            write_operator(&mut operator, binary);
            let left = lines(&binary.left, level + 1);
            let right = lines(&binary.right, level + 1);
            format!("{left}\n{indent}{operator}\n{right}")
        }
        Node::Parentheses(inner) => format!("{indent}(\n{}\n{indent})", lines(inner, level + 1)),
        Node::Subquery { inner, .. } => {
            let mut text = lines(inner, level);
            write_subquery(&mut text, expr);
            text
        }
        Node::Unary { negative, inner } => {
            let sign = if *negative { '-' } else { '+' };
            format!("{indent}{sign}{}", lines(inner, level).trim_start())
        }
        Node::Number { .. } | Node::Text(_) | Node::Vector(_) | Node::Range { .. } => {
            format!("{indent}{line}")
        }
    }
}
