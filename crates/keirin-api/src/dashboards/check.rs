//! What is wrong with a dashboard: what it cannot be kept with, and what will not be drawn.

use keirin_wire::api::{DashboardProblem, Severity};
use serde_json::Value;

use super::is_uid;

/// The panels that the page draws.
const PANELS: &[&str] = &[
    "timeseries",
    "graph",
    "stat",
    "singlestat",
    "gauge",
    "bargauge",
    "table",
    "table-old",
    "heatmap",
    "state-timeline",
    "piechart",
    "text",
    "row",
];
/// The variables that the page works out.
const VARIABLES: &[&str] = &["query", "custom", "constant", "interval", "textbox", "datasource"];
/// How many panels a dashboard may have.
const MOST_PANELS: usize = 300;

/// Everything that was found, errors first.
pub(crate) fn problems(dashboard: &Value) -> Vec<DashboardProblem> {
    let mut found = Found::default();
    let Some(object) = dashboard.as_object() else {
        found.error("$", "a dashboard is a JSON object, as Grafana exports it");
        return found.0;
    };
    if dashboard["title"]
        .as_str()
        .is_none_or(|title| title.trim().is_empty())
    {
        found.error("title", "it needs a title: add `\"title\": \"…\"`");
    }
    match &dashboard["uid"] {
        Value::Null => {}
        Value::String(uid) if uid.is_empty() || is_uid(uid) => {}
        _ => found.error(
            "uid",
            "a uid has up to 40 letters, digits, `-` and `_`; leave it out to be given one",
        ),
    }
    match object.get("panels") {
        None => match object.get("rows") {
            Some(_) => found.error(
                "rows",
                "this is the form of Grafana 4; open and save it in a newer Grafana first",
            ),
            None => found.warning("panels", "it has no panels, so there is nothing to draw"),
        },
        Some(Value::Array(panels)) => found.panels("panels", panels),
        Some(_) => found.error("panels", "it is no list"),
    }
    if let Some(variables) = dashboard["templating"]["list"].as_array() {
        for (index, variable) in variables.iter().enumerate() {
            found.variable(&format!("templating.list[{index}]"), variable);
        }
    }
    found
        .0
        .sort_by_key(|problem| problem.severity == Severity::Warning);
    found.0
}

#[derive(Default)]
struct Found(Vec<DashboardProblem>);

impl Found {
    fn error(&mut self, path: &str, message: &str) {
        self.add(path, message, Severity::Error);
    }

    fn warning(&mut self, path: &str, message: &str) {
        self.add(path, message, Severity::Warning);
    }

    fn add(&mut self, path: &str, message: &str, severity: Severity) {
        self.0.push(DashboardProblem {
            path: path.to_owned(),
            message: message.to_owned(),
            severity,
        });
    }

    fn panels(&mut self, path: &str, panels: &[Value]) {
        if panels.len() > MOST_PANELS {
            self.error(
                path,
                &format!("it has {} panels, and may have {MOST_PANELS}", panels.len()),
            );
            return;
        }
        for (index, panel) in panels.iter().enumerate() {
            self.panel(&format!("{path}[{index}]"), panel);
        }
    }

    fn panel(&mut self, path: &str, panel: &Value) {
        if !panel.is_object() {
            self.error(path, "a panel is a JSON object");
            return;
        }
        match panel["type"].as_str() {
            Some(kind) if PANELS.contains(&kind) => {}
            Some(kind) => self.warning(
                &format!("{path}.type"),
                &format!("panels of the type `{kind}` cannot be drawn; its place will say so"),
            ),
            None => self.error(
                &format!("{path}.type"),
                "the panel needs a type, as in `\"type\": \"timeseries\"`",
            ),
        }
        if let Some(panels) = panel["panels"].as_array() {
            self.panels(&format!("{path}.panels"), panels);
        }
        let targets = panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (index, target) in targets.iter().enumerate() {
            let path = format!("{path}.targets[{index}]");
            let asks_prometheus = target["datasource"]["type"]
                .as_str()
                .is_none_or(|kind| kind == "prometheus");
            if !asks_prometheus {
                self.warning(
                    &path,
                    "its data source does not speak PromQL, so it cannot be asked",
                );
            } else if target["expr"].as_str().is_none() && panel["type"] != "text" {
                self.warning(&path, "it has no query: add `\"expr\": \"…\"`");
            }
        }
    }

    fn variable(&mut self, path: &str, variable: &Value) {
        if variable["name"].as_str().is_none_or(str::is_empty) {
            self.error(&format!("{path}.name"), "the variable needs a name");
        }
        match variable["type"].as_str() {
            Some(kind) if VARIABLES.contains(&kind) => {}
            Some(kind) => self.warning(
                &format!("{path}.type"),
                &format!("variables of the type `{kind}` cannot be worked out; what uses it will say so"),
            ),
            None => self.error(
                &format!("{path}.type"),
                "the variable needs a type, as in `\"type\": \"query\"`",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(dashboard: &Value) -> Vec<String> {
        let line = |problem: DashboardProblem| {
            format!("{:?} {}: {}", problem.severity, problem.path, problem.message)
        };
        problems(dashboard).into_iter().map(line).collect()
    }

    #[test]
    fn what_cannot_be_drawn_is_named_and_the_rest_is_kept() {
        let dashboard = json!({
            "title": "A",
            "panels": [
                { "type": "timeseries", "targets": [{ "expr": "up" }, {}] },
                { "type": "news" },
                { "type": "row", "panels": [{ "targets": [] }] },
            ],
            "templating": { "list": [{ "name": "x", "type": "adhoc" }] },
        });
        assert_eq!(
            found(&dashboard),
            [
                "Error panels[2].panels[0].type: the panel needs a type, as in `\"type\": \"timeseries\"`",
                "Warning panels[0].targets[1]: it has no query: add `\"expr\": \"…\"`",
                "Warning panels[1].type: panels of the type `news` cannot be drawn; its place will say so",
                "Warning templating.list[0].type: variables of the type `adhoc` cannot be worked out; what uses it will \
                 say so",
            ]
        );
    }

    #[test]
    fn what_is_no_dashboard_is_refused() {
        assert_eq!(
            found(&json!([1])),
            ["Error $: a dashboard is a JSON object, as Grafana exports it"]
        );
        assert_eq!(
            found(&json!({ "title": " ", "uid": "a b", "panels": 3 })).len(),
            3
        );
    }
}
