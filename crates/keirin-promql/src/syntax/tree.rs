//! An expression as JSON, in the shape that Prometheus' own page draws.

use keirin_model::series::Matcher;
use serde_json::{Value, json};

use super::ast::{At, Expr, Node, Selector, Shift, ValueType};
use super::format::decimal;

/// An expression as JSON.
pub(crate) fn tree(expr: &Expr) -> Value {
    match &expr.node {
        Node::Number { value, .. } => json!({"type": "numberLiteral", "val": decimal(*value)}),
        Node::Text(bytes) => json!({"type": "stringLiteral", "val": String::from_utf8_lossy(bytes)}),
        Node::Vector(selector) => selected(selector, "vectorSelector"),
        Node::Range { selector, range } => {
            let mut tree = selected(selector, "matrixSelector");
            tree["range"] = json!(range.milliseconds);
            tree["rangeExpr"] = Value::Null;
            tree
        }
        Node::Subquery {
            inner,
            range,
            step,
            shift,
        } => json!({
            "type": "subquery",
            "expr": tree(inner),
            "range": range.milliseconds,
            "rangeExpr": null,
            "offset": shift.offset.milliseconds,
            "offsetExpr": null,
            "step": step.as_ref().map_or(0, |step| step.milliseconds),
            "stepExpr": null,
            "timestamp": timestamp(shift),
            "startOrEnd": start_or_end(shift),
        }),
        Node::Aggregation(aggregation) => json!({
            "type": "aggregation",
            "op": aggregation.operator.as_str(),
            "expr": tree(&aggregation.inner),
            "param": aggregation.parameter.as_deref().map(tree),
            "grouping": aggregation.grouping,
            "without": aggregation.without,
        }),
        Node::Call { function, arguments } => json!({
            "type": "call",
            "func": {
                "name": function.name,
                "argTypes": function.arguments.iter().map(|given| given.into_str()).collect::<Vec<_>>(),
                "variadic": function.variadic,
                "returnType": function.returns.into_str(),
            },
            "args": arguments.iter().map(tree).collect::<Vec<_>>(),
        }),
        Node::Binary(binary) => {
            let vectors = [&binary.left, &binary.right]
                .iter()
                .all(|side| side.value_type() == ValueType::Vector);
            let matching = &binary.matching;
            let cardinality = match &matching.group {
                _ if binary.operator.is_set() => "many-to-many",
                None => "one-to-one",
                Some(group) if group.many_left => "many-to-one",
                Some(_) => "one-to-many",
            };
            let include = matching.group.as_ref().map(|group| group.include.clone());
            let matching = vectors.then(|| {
                json!({
                    "card": cardinality,
                    "labels": matching.labels,
                    "on": matching.on,
                    "include": include.unwrap_or_default(),
                    "fillValues": {"lhs": matching.fill.0, "rhs": matching.fill.1},
                })
            });
            json!({
                "type": "binaryExpr",
                "op": binary.operator.as_str(),
                "lhs": tree(&binary.left),
                "rhs": tree(&binary.right),
                "matching": matching,
                "bool": binary.returns_bool,
            })
        }
        Node::Unary { negative, inner } => json!({
            "type": "unaryExpr",
            "op": if *negative { "-" } else { "+" },
            "expr": tree(inner),
        }),
        Node::Parentheses(inner) => json!({"type": "parenExpr", "expr": tree(inner)}),
    }
}

fn selected(selector: &Selector, kind: &str) -> Value {
    json!({
        "type": kind,
        "name": selector.name.as_deref().unwrap_or_default(),
        "offset": selector.shift.offset.milliseconds,
        "offsetExpr": null,
        "matchers": selector.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "timestamp": timestamp(&selector.shift),
        "startOrEnd": start_or_end(&selector.shift),
        "anchored": false,
        "smoothed": false,
    })
}

fn matcher(matcher: &Matcher) -> Value {
    json!({"name": matcher.label, "value": matcher.value, "type": matcher.operator.into_str()})
}

fn timestamp(shift: &Shift) -> Option<i64> {
    match shift.at {
        Some(At::Time(milliseconds)) => Some(milliseconds),
        _ => None,
    }
}

fn start_or_end(shift: &Shift) -> Option<&'static str> {
    match shift.at {
        Some(At::Start) => Some("start"),
        Some(At::End) => Some("end"),
        _ => None,
    }
}
