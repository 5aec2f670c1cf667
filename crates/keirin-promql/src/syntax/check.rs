//! Whether an expression makes sense: types of operands and arguments, and selectors that select something.

use keirin_model::series::METRIC_NAME;

use super::ast::{Binary, Expr, Node, Selector, ValueType};
use super::error::{SyntaxError, TextRange};
use super::function::Function;
use crate::limits::QueryLimits;
use crate::matchers::CompiledMatchers;

/// Finds the first thing in an expression that makes no sense.
pub(super) fn check(query: &str, expr: &Expr, limits: &QueryLimits) -> Result<(), SyntaxError> {
    let checker = Checker { query, limits };
    checker.expr(expr)
}

struct Checker<'a> {
    query: &'a str,
    limits: &'a QueryLimits,
}

impl Checker<'_> {
    fn wrong<T>(&self, place: TextRange, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.query, place, message))
    }

    fn expr(&self, expr: &Expr) -> Result<(), SyntaxError> {
        for child in expr.children() {
            self.expr(child)?;
        }
        match &expr.node {
            Node::Number { .. } | Node::Text(_) | Node::Parentheses(_) => Ok(()),
            Node::Vector(selector) | Node::Range { selector, .. } => self.selector(expr.place, selector),
            Node::Subquery { inner, .. } => match inner.value_type() {
                ValueType::Vector => Ok(()),
                other => {
                    let message = format!("subquery is only allowed on instant vector, got {other} instead");
                    self.wrong(expr.place, message)
                }
            },
            Node::Unary { inner, .. } => match inner.value_type() {
                ValueType::Scalar | ValueType::Vector => Ok(()),
                other => {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                        other.to_string()
                    );
                    self.wrong(expr.place, message)
                }
            },
            Node::Aggregation(aggregation) => {
                if let Some((parameter, wanted)) = aggregation
                    .parameter
                    .as_ref()
                    .zip(aggregation.operator.parameter())
                {
                    self.expect(parameter, wanted, "aggregation parameter")?;
                }
                self.expect(&aggregation.inner, ValueType::Vector, "aggregation expression")
            }
            Node::Call { function, arguments } => self.call(expr.place, function, arguments),
            Node::Binary(binary) => self.binary(expr.place, binary),
        }
    }

    fn expect(&self, expr: &Expr, wanted: ValueType, context: &str) -> Result<(), SyntaxError> {
        let given = expr.value_type();
        if given == wanted {
            return Ok(());
        }
        self.wrong(
            expr.place,
            format!("expected type {wanted} in {context}, got {given}"),
        )
    }

    fn call(&self, place: TextRange, function: &Function, arguments: &[Expr]) -> Result<(), SyntaxError> {
        let name = function.name;
        let wanted = function.arguments.len();
        let given = arguments.len();
        if function.variadic == 0 && given != wanted {
            let message = format!("expected {wanted} argument(s) in call to {name:?}, got {given}");
            return self.wrong(place, message);
        }
        if function.variadic != 0 && given < wanted - 1 {
            let least = wanted - 1;
            let message = format!("expected at least {least} argument(s) in call to {name:?}, got {given}");
            return self.wrong(place, message);
        }
        if let Ok(more) = usize::try_from(function.variadic)
            && more > 0
            && given > wanted - 1 + more
        {
            let most = wanted - 1 + more;
            let message = format!("expected at most {most} argument(s) in call to {name:?}, got {given}");
            return self.wrong(place, message);
        }
        for (index, argument) in arguments.iter().enumerate() {
            if let Some(wanted) = function.arguments.get(index).or(function.arguments.last()) {
                self.expect(argument, *wanted, &format!("call to function {name:?}"))?;
            }
        }
        Ok(())
    }

    fn binary(&self, place: TextRange, binary: &Binary) -> Result<(), SyntaxError> {
        let Binary {
            operator, matching, ..
        } = binary;
        if binary.returns_bool && !operator.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return self.wrong(binary.operator_place, message);
        }
        for side in [&binary.left, &binary.right] {
            if !matches!(side.value_type(), ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return self.wrong(side.place, message);
            }
        }
        let left = binary.left.value_type();
        let right = binary.right.value_type();
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        let vectors = left == ValueType::Vector && right == ValueType::Vector;
        if scalars && operator.is_comparison() && !binary.returns_bool {
            let message = "comparisons between scalars must use BOOL modifier";
            return self.wrong(binary.operator_place, message);
        }
        if operator.is_set() && !vectors {
            let message = format!(
                "set operator {:?} not allowed in binary scalar expression",
                operator.as_str()
            );
            return self.wrong(place, message);
        }
        let fills = matching.fill != (None, None);
        if !vectors && (!matching.labels.is_empty() || matching.group.is_some()) {
            return self.wrong(place, "vector matching only allowed between instant vectors");
        }
        if !vectors && fills {
            return self.wrong(
                place,
                "filling in missing series only allowed between instant vectors",
            );
        }
        if operator.is_set() && fills {
            return self.wrong(place, "filling in missing series not allowed for set operators");
        }
        let Some(group) = &matching.group else {
            return Ok(());
        };
        if operator.is_set() {
            let message = format!("no grouping allowed for {:?} operation", operator.as_str());
            return self.wrong(place, message);
        }
        let twice = group.include.iter().find(|label| matching.labels.contains(label));
        match twice {
            Some(label) if matching.on => {
                let message = format!("label {label:?} must not occur in ON and GROUP clause at once");
                self.wrong(binary.operator_place, message)
            }
            _ => Ok(()),
        }
    }

    fn selector(&self, place: TextRange, selector: &Selector) -> Result<(), SyntaxError> {
        let compiled = CompiledMatchers::new(&selector.matchers, self.limits.regex_bytes);
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(error) => return self.wrong(place, error.to_string()),
        };
        if let Some(name) = &selector.name {
            let (_, others) = selector
                .matchers
                .split_last()
                .unwrap_or((&selector.matchers[0], &[]));
            return match others.iter().find(|matcher| matcher.label == METRIC_NAME) {
                Some(other) => {
                    let value = &other.value;
                    self.wrong(
                        place,
                        format!("metric name must not be set twice: {name:?} or {value:?}"),
                    )
                }
                None => Ok(()),
            };
        }
        if compiled.accept_nothing() {
            let message = "vector selector must contain at least one non-empty matcher";
            return self.wrong(place, message);
        }
        Ok(())
    }
}
