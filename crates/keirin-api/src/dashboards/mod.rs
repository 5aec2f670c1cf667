//! Dashboards in Grafana's JSON: those that come with the program, and what can be said of one without drawing it.

mod check;
pub(crate) mod provided;
mod saved;

use serde_json::Value;

pub(crate) use check::problems;
pub(crate) use saved::without_answers;

/// The dashboard itself, from what Grafana exports or what its API gives around it.
pub(crate) fn content(mut given: Value) -> Value {
    match given.get_mut("dashboard") {
        Some(inner) if inner.is_object() => inner.take(),
        _ => given,
    }
}

/// Its title; a stand-in where it has none.
pub(crate) fn title(dashboard: &Value) -> String {
    named(&dashboard["title"]).unwrap_or_else(|| "Untitled".to_owned())
}

/// A text that says something. A number is one too, as the page has it.
fn named(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Its uid, where it has one that can be kept.
pub(crate) fn uid(dashboard: &Value) -> Option<&str> {
    dashboard["uid"].as_str().filter(|uid| is_uid(uid))
}

/// As Grafana has it: up to 40 letters, digits, dashes and underscores.
fn is_uid(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
