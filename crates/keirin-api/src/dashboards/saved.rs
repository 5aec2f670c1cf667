//! What a saved dashboard holds of its author's answers: values of variables that they saw and chose, and data.

use serde_json::Value;

/// The variables whose values their author has written, as a list of sizes; those of all others come out of answers.
const WRITTEN: &[&str] = &["custom", "constant", "interval", "textbox"];
/// The variables that keep what was chosen out of answers as filters.
const FILTERING: &[&str] = &["adhoc", "groupby"];
/// Where they do.
const FILTERS: &[&str] = &["filters", "baseFilters", "defaultKeys"];
/// Where Grafana keeps answers beside the queries for them.
const ANSWERS: &[&str] = &["scopedVars", "snapshot", "snapshotData"];
/// What marks that somebody has hidden series of an answer, by their names.
const HIDDEN_SERIES: &str = "hideSeriesFrom";

/// Takes out what was in an answer to whoever saved the dashboard: others are given answers of their own, with what they
/// may see. What the author has written stays, as titles, queries and the choices of a list.
pub(crate) fn without_answers(mut dashboard: Value) -> Value {
    take_out(&mut dashboard);
    dashboard
}

/// Its depth is bounded by the reader of JSON.
fn take_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_one_of = |kinds: &[&str]| {
                let kind = fields.get("type").and_then(Value::as_str);
                kind.is_some_and(|kind| kinds.contains(&kind))
            };
            let (is_written, is_filtering) = (is_one_of(WRITTEN), is_one_of(FILTERING));
            fields.retain(|name, value| match name.as_str() {
                // Only variables have a `current`, and only theirs are lists of objects: panels have one object, and what
                // matches fields a list of names.
                "current" => is_written,
                "options" => is_written || !is_list_of_objects(value),
                name if FILTERS.contains(&name) => !is_filtering,
                name => !ANSWERS.contains(&name),
            });
            fields.values_mut().for_each(take_out);
        }
        Value::Array(items) => {
            items.retain(|item| item.get("__systemRef").and_then(Value::as_str) != Some(HIDDEN_SERIES));
            items.iter_mut().for_each(take_out);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_list_of_objects(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().any(Value::is_object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_seen_goes_and_what_was_written_stays() {
        let choice = json!({ "text": "a", "value": "a" });
        let saved = json!({
            "title": "a",
            "panels": [{
                "type": "stat",
                "options": { "legend": {} },
                "scopedVars": { "x": choice },
                "snapshotData": [1],
                "fieldConfig": { "overrides": [
                    { "matcher": { "id": "byNames", "options": ["a"] } },
                    { "__systemRef": "hideSeriesFrom", "matcher": { "id": "byNames", "options": { "names": ["a"] } } },
                ] },
                "targets": [{ "expr": "up{project=\"a\"}", "filters": ["a"] }],
            }],
            "templating": { "list": [
                { "name": "w", "type": "adhoc", "filters": [{ "key": "x", "operator": "=", "value": "a" }], "baseFilters": [] },
                { "name": "x", "type": "query", "query": "label_values(x)", "current": choice, "options": [choice] },
                { "name": "y", "type": "custom", "query": "a,b", "current": choice, "options": [choice] },
                { "name": "z", "current": choice },
            ] },
        });
        let shown = json!({
            "title": "a",
            "panels": [{
                "type": "stat",
                "options": { "legend": {} },
                "fieldConfig": { "overrides": [{ "matcher": { "id": "byNames", "options": ["a"] } }] },
                "targets": [{ "expr": "up{project=\"a\"}", "filters": ["a"] }],
            }],
            "templating": { "list": [
                { "name": "w", "type": "adhoc" },
                { "name": "x", "type": "query", "query": "label_values(x)" },
                { "name": "y", "type": "custom", "query": "a,b", "current": choice, "options": [choice] },
                { "name": "z" },
            ] },
        });
        assert_eq!(without_answers(saved), shown);
    }
}
