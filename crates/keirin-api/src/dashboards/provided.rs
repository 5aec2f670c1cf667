//! The dashboards that come with the program: the same files that a Grafana is provisioned with.

use std::sync::LazyLock;

use keirin_wire::api::{Dashboard, DashboardContent, DashboardSummary};
use rust_embed::RustEmbed;
use serde_json::Value;

use super::title;

#[derive(RustEmbed)]
#[folder = "../../deploy/grafana/dashboards"]
struct Files;

static PROVIDED: LazyLock<Vec<Dashboard>> = LazyLock::new(|| {
    let mut dashboards: Vec<_> = Files::iter()
        .filter(|name| name.ends_with(".json"))
        .filter_map(|name| Files::get(&name))
        .map(|file| read(&file.data))
        .collect();
    dashboards.sort_by(|left, right| left.title.cmp(&right.title));
    dashboards
});

/// All of them, by title.
pub(crate) fn list() -> Vec<DashboardSummary> {
    PROVIDED
        .iter()
        .map(|dashboard| DashboardSummary {
            uid: dashboard.uid.clone(),
            project: None,
            title: dashboard.title.clone(),
            folder: "Keirin".to_owned(),
            tags: tags(&dashboard.dashboard),
            provided: true,
            changed_at: None,
            changed_by: None,
        })
        .collect()
}

/// The one of this uid.
pub(crate) fn show(uid: &str) -> Option<Dashboard> {
    PROVIDED.iter().find(|dashboard| dashboard.uid == uid).cloned()
}

fn read(bytes: &[u8]) -> Dashboard {
    let dashboard: Value =
        serde_json::from_slice(bytes).expect("invariant: a test reads every provided dashboard");
    let content = DashboardContent { dashboard };
    let uid = content
        .uid()
        .expect("invariant: every provided dashboard has a uid");
    Dashboard {
        uid: uid.to_owned(),
        project: None,
        title: title(&content.dashboard),
        provided: true,
        dashboard: content.dashboard,
    }
}

fn tags(dashboard: &Value) -> Vec<String> {
    let tags = dashboard["tags"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    tags.iter()
        .filter_map(|tag| tag.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keirin_wire::api::DashboardProblem;

    use super::*;

    #[test]
    fn every_provided_dashboard_can_be_kept_and_drawn() {
        let uids: BTreeSet<_> = PROVIDED.iter().map(|dashboard| &dashboard.uid).collect();
        assert_eq!(uids.len(), PROVIDED.len(), "each has a uid of its own");
        for dashboard in PROVIDED.iter() {
            let problems: Vec<DashboardProblem> = super::super::problems(&dashboard.dashboard);
            assert!(problems.is_empty(), "{}: {problems:?}", dashboard.title);
        }
    }
}
