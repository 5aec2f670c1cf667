//! Dashboards in Grafana's JSON: those that come with the program, and what can be said of one without drawing it.

mod check;
pub(crate) mod provided;
mod saved;

use serde_json::Value;

pub(crate) use check::problems;
pub(crate) use saved::without_answers;

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
