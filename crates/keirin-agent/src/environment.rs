//! The environment of a step: nothing of the agent's own, what the workflow says, and who the step is.

use std::collections::BTreeMap;
use std::path::Path;

use keirin_model::plan::StepPlan;
use keirin_wire::agent::{Assignment, CheckoutRepository};

use crate::executor::StepFolders;

/// Names the workspace of the attempt that a process belongs to.
pub(crate) const WORKSPACE: &str = "KEIRIN_WORKSPACE";

/// The variables of one step. What says who the step is goes over what the workflow says. `fetching` is the address of the
/// flow's own repository and what opens it.
pub(crate) fn of_step(
    base: &BTreeMap<String, String>,
    assignment: &Assignment,
    step: &StepPlan,
    folders: StepFolders<'_>,
    fetching: Option<(&str, &str)>,
) -> BTreeMap<String, String> {
    let mut environment = base.clone();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    environment.insert("HOME".to_owned(), text(folders.home));
    environment.insert("TMPDIR".to_owned(), text(folders.temporary));
    // Nobody is there to answer, and a process in the background that asks a terminal is stopped by it.
    environment.insert("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
    environment.extend(of_workflow(assignment, step));
    environment.extend(identity(assignment).map(|(name, value)| (name.to_owned(), value)));
    if let Some((address, token)) = fetching {
        let_git_fetch(&mut environment, address, token);
    }
    environment.insert(WORKSPACE.to_owned(), text(folders.work));
    environment
}

/// What the workflow file says: the job's variables, and the step's over them.
pub(crate) fn of_workflow(assignment: &Assignment, step: &StepPlan) -> BTreeMap<String, String> {
    let mut environment = assignment.job.env.clone();
    environment.extend(step.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    // Such a name or value cannot be handed to a process.
    environment
        .retain(|name, value| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'));
    environment
}

/// Lets git in the step fetch more of the flow's own repository. What opens it stands in the environment alone, so it lies
/// on no disk; it is sent to that address and to no other.
fn let_git_fetch(environment: &mut BTreeMap<String, String>, address: &str, token: &str) {
    // The workflow may have settings of its own.
    let own = environment
        .get("GIT_CONFIG_COUNT")
        .and_then(|count| count.parse::<u32>().ok());
    let place = own.unwrap_or_default();
    let setting = [
        (
            format!("GIT_CONFIG_KEY_{place}"),
            format!("http.{address}.extraHeader"),
        ),
        (
            format!("GIT_CONFIG_VALUE_{place}"),
            format!("Authorization: Bearer {token}"),
        ),
        ("GIT_CONFIG_COUNT".to_owned(), place.saturating_add(1).to_string()),
    ];
    environment.extend(setting);
}

fn identity(assignment: &Assignment) -> impl Iterator<Item = (&'static str, String)> {
    let origin = &assignment.origin;
    let commit = match &assignment.repository {
        Some(CheckoutRepository::Mirror { commit, .. }) => Some(commit.clone()),
        Some(CheckoutRepository::WorkingTree { .. }) | None => None,
    };
    let change = origin.change.clone();
    let always = [
        ("CI", "true".to_owned()),
        ("KEIRIN", "true".to_owned()),
        ("KEIRIN_PROJECT", origin.project.clone()),
        ("KEIRIN_BRANCH", origin.branch.clone()),
        ("KEIRIN_FLOW", origin.flow.clone()),
        ("KEIRIN_FLOW_NUMBER", origin.flow_number.to_string()),
        ("KEIRIN_FLOW_KIND", origin.flow_kind.to_string()),
        ("KEIRIN_STAGE", origin.stage.clone()),
        ("KEIRIN_JOB", assignment.job.name.clone()),
        ("KEIRIN_JOB_ID", origin.job.clone()),
        ("KEIRIN_ATTEMPT", assignment.number.to_string()),
    ];
    let sometimes = [
        ("KEIRIN_COMMIT", commit),
        ("KEIRIN_SERVER", origin.server.clone()),
        (
            "KEIRIN_CHANGE_HEAD",
            change.as_ref().map(|change| change.head.clone()),
        ),
        (
            "KEIRIN_CHANGE_BASE",
            change.as_ref().and_then(|change| change.base.clone()),
        ),
        (
            "KEIRIN_CHANGE_AUTHOR",
            change.as_ref().and_then(|change| change.author.clone()),
        ),
        (
            "KEIRIN_CHANGE_TITLE",
            change.as_ref().and_then(|change| change.title.clone()),
        ),
    ];
    let known = sometimes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    // These come from outside; a NUL would keep the process from starting.
    always
        .into_iter()
        .chain(known)
        .map(|(name, value)| (name, value.replace('\0', "")))
}
