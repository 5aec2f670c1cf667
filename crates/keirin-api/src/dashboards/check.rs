//! What is wrong with a dashboard: what it cannot be kept with, and what will not be drawn.

use keirin_wire::api::{DashboardContent, DashboardProblem, Severity};
use serde_json::Value;

use super::named;

/// The panels that the page draws, those of old names among them; a test holds them against the page's own lists.
const PANELS: &[&str] = &[
    "timeseries",
    "graph",
    "stat",
    "singlestat",
    "grafana-singlestat-panel",
    "gauge",
    "bargauge",
    "table",
    "table-old",
    "heatmap",
    "state-timeline",
    "status-history",
    "piechart",
    "grafana-piechart-panel",
    "text",
];
/// The variables that the page works out.
const VARIABLES: &[&str] = &["query", "custom", "constant", "interval", "textbox", "datasource"];
/// How many panels a dashboard may have.
const MOST_PANELS: usize = 300;

/// Everything that was found, errors first. What the page draws can be kept: it reads what is not as expected as if it was
/// not said, so that is a warning.
pub(crate) fn problems(dashboard: &Value) -> Vec<DashboardProblem> {
    let mut found = Found::default();
    if !dashboard.is_object() {
        found.error("$", "a dashboard is a JSON object, as Grafana exports it");
        return found.0;
    }
    if named(&dashboard["title"]).is_none() {
        found.warning("title", "it has no title: add `\"title\": \"…\"`");
    }
    match &dashboard["uid"] {
        Value::Null => {}
        Value::String(uid) if uid.is_empty() || DashboardContent::is_uid(uid) => {}
        _ => found.warning(
            "uid",
            "a uid has up to 40 letters, digits, `-` and `_`, so it is given another one",
        ),
    }
    for list in ["panels", "rows"] {
        if !matches!(dashboard[list], Value::Null | Value::Array(_)) {
            found.warning(list, "it is no list, so nothing of it is drawn");
        }
    }
    let (panels, rows) = (items(&dashboard["panels"]), items(&dashboard["rows"]));
    if !panels.is_empty() {
        found.panels("panels", panels);
    } else if rows.is_empty() {
        found.warning("panels", "it has no panels, so there is nothing to draw");
    } else {
        // The form before version 16.
        for (index, row) in rows.iter().enumerate() {
            found.panels(&format!("rows[{index}].panels"), items(&row["panels"]));
        }
    }
    for (index, variable) in items(&dashboard["templating"]["list"]).iter().enumerate() {
        found.variable(&format!("templating.list[{index}]"), variable);
    }
    found
        .0
        .sort_by_key(|problem| problem.severity == Severity::Warning);
    found.0
}

/// What a list holds; nothing where there is none.
fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
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
        match panel["type"].as_str() {
            Some("row") => {
                self.panels(&format!("{path}.panels"), items(&panel["panels"]));
                return;
            }
            Some("text") => return,
            Some(kind) if PANELS.contains(&kind) => {}
            Some(kind) => self.warning(
                &format!("{path}.type"),
                &format!("panels of the type `{kind}` cannot be drawn; its place will say so"),
            ),
            None => self.warning(
                &format!("{path}.type"),
                "the panel has no type, as in `\"type\": \"timeseries\"`, so it cannot be drawn; its place will say so",
            ),
        }
        for (index, target) in items(&panel["targets"]).iter().enumerate() {
            let path = format!("{path}.targets[{index}]");
            let asks_prometheus = target["datasource"]["type"]
                .as_str()
                .is_none_or(|kind| kind == "prometheus");
            if target["hide"] == true {
                continue;
            }
            if !asks_prometheus {
                self.warning(
                    &path,
                    "its data source does not speak PromQL, so it cannot be asked",
                );
            } else if named(&target["expr"]).is_none() {
                self.warning(&path, "it has no query: add `\"expr\": \"…\"`");
            }
        }
    }

    fn variable(&mut self, path: &str, variable: &Value) {
        if named(&variable["name"]).is_none() {
            self.warning(
                &format!("{path}.name"),
                "the variable has no name, so it is not worked out",
            );
        }
        match variable["type"].as_str() {
            Some(kind) if VARIABLES.contains(&kind) => {}
            Some(kind) => self.warning(
                &format!("{path}.type"),
                &format!("variables of the type `{kind}` cannot be worked out; what uses it will say so"),
            ),
            None => self.warning(
                &format!("{path}.type"),
                "the variable has no type, as in `\"type\": \"query\"`, so it is not worked out",
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
                7,
            ],
            "templating": { "list": [{ "name": "x", "type": "adhoc" }, { "type": "query" }, null] },
        });
        assert_eq!(
            found(&dashboard),
            [
                "Warning panels[0].targets[1]: it has no query: add `\"expr\": \"…\"`",
                "Warning panels[1].type: panels of the type `news` cannot be drawn; its place will say so",
                "Warning panels[2].panels[0].type: the panel has no type, as in `\"type\": \"timeseries\"`, so it cannot be \
                 drawn; its place will say so",
                "Warning panels[3].type: the panel has no type, as in `\"type\": \"timeseries\"`, so it cannot be drawn; its \
                 place will say so",
                "Warning templating.list[0].type: variables of the type `adhoc` cannot be worked out; what uses it will \
                 say so",
                "Warning templating.list[1].name: the variable has no name, so it is not worked out",
                "Warning templating.list[2].name: the variable has no name, so it is not worked out",
                "Warning templating.list[2].type: the variable has no type, as in `\"type\": \"query\"`, so it is not worked \
                 out",
            ]
        );
    }

    #[test]
    fn rows_of_the_old_form_are_looked_through() {
        let dashboard = json!({
            "title": "Old",
            "schemaVersion": 14,
            "rows": [
                { "panels": [{ "type": "graph", "targets": [{ "expr": "up" }] }] },
                { "panels": [{ "type": "singlestat", "targets": [{}] }, { "type": "news" }] },
                null,
            ],
        });
        assert_eq!(
            found(&dashboard),
            [
                "Warning rows[1].panels[0].targets[0]: it has no query: add `\"expr\": \"…\"`",
                "Warning rows[1].panels[1].type: panels of the type `news` cannot be drawn; its place will say so",
            ]
        );
    }

    /// The texts in quotes between two places of a file of the page.
    fn words(file: &str, from: &str, until: &str) -> Vec<String> {
        let rest = file.split_once(from).expect("the page has that list").1;
        let list = rest.split_once(until).expect("the list ends").0;
        list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_page_draws_just_these_panels_and_variables() {
        let model = include_str!("../../../../ui/src/dashboard/model.ts");
        let read = include_str!("../../../../ui/src/dashboard/read.ts");
        let mut drawn = words(model, "panelKinds = [", "]");
        let (_, renamed) = read.split_once("const renamed").expect("the page renames panels");
        let (renamed, _) = renamed.split_once("};").expect("the list ends");
        // `graph: "timeseries",`, with quotes around the name where it has a dash.
        let old = renamed.lines().skip(1).filter_map(|line| line.split_once(':'));
        drawn.extend(old.map(|(name, _)| name.trim().trim_matches('"').to_owned()));
        drawn.sort();
        let mut panels = PANELS.to_vec();
        panels.sort_unstable();
        assert_eq!(drawn, panels);
        assert_eq!(words(read, "const kinds: VariableKind[] = [", "]"), VARIABLES);
    }

    #[test]
    fn what_is_no_dashboard_is_refused() {
        assert_eq!(
            found(&json!([1])),
            ["Error $: a dashboard is a JSON object, as Grafana exports it"]
        );
    }

    #[test]
    fn what_is_not_as_expected_counts_as_not_said() {
        let odd = json!({ "title": " ", "uid": "a b", "panels": 3, "rows": {}, "templating": [] });
        let found = found(&odd);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|line| line.starts_with("Warning ")), "{found:?}");
    }
}
