//! Short ways to write what the stories need.

use std::collections::BTreeMap;

use keirin_model::flow::{Change, FlowKind, ParamValue};
use keirin_model::plan::{JobPlan, Plan};
use keirin_workflow::{FlowContext, PlanContext, PlanDefaults, Workflow};

pub(crate) const FILE: &str = ".keirin.yaml";

/// A whole file around one job.
pub(crate) fn with_job(job: &str) -> String {
    let job: String = job.lines().map(|line| format!("      {line}\n")).collect();
    format!("keirin: 1\nstages:\n  build:\n    jobs:\n{job}")
}

/// A whole file around the steps of one job.
pub(crate) fn with_steps(steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("    {line}\n")).collect();
    with_job(&format!("test:\n  steps:\n{steps}"))
}

/// A whole file: something at the top, and a stage that does nothing much.
pub(crate) fn with_top(top: &str) -> String {
    format!(
        "keirin: 1\n{top}\nstages: {{ build: {{ jobs: {{ test: {{ steps: [ {{ run: make }} ] }} }} }} }}\n"
    )
}

pub(crate) fn parse(text: &str) -> Workflow {
    Workflow::parse(FILE, "default", text)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(text, false)))
}

/// What people read when the file is wrong.
pub(crate) fn complain(text: &str) -> String {
    match Workflow::parse(FILE, "default", text) {
        Ok(_) => panic!("nothing is found wrong with:\n{text}"),
        Err(diagnostics) => diagnostics.render(text, false),
    }
}

/// What people read when the file is right but odd.
pub(crate) fn warn(text: &str) -> String {
    parse(text).warnings().render(text, false)
}

pub(crate) fn context() -> PlanContext {
    PlanContext {
        project: "shop".to_owned(),
        branch: "main".to_owned(),
        flow: FlowContext {
            number: 7,
            kind: FlowKind::Ci,
        },
        commit: Some("c0ffee".to_owned()),
        change: None,
        params: BTreeMap::new(),
        defaults: PlanDefaults::default(),
    }
}

pub(crate) fn context_of_a_change() -> PlanContext {
    let change = Change {
        base: Some("main".to_owned()),
        head: "fix-cart".to_owned(),
        author: Some("robin".to_owned()),
        title: Some("Fix the cart; rm -rf /".to_owned()),
    };
    PlanContext {
        flow: FlowContext {
            number: 8,
            kind: FlowKind::Dev,
        },
        change: Some(change),
        ..context()
    }
}

pub(crate) fn with_params(params: &[(&str, ParamValue)]) -> PlanContext {
    let params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    PlanContext {
        params: params.collect(),
        ..context()
    }
}

pub(crate) fn text(value: &str) -> ParamValue {
    ParamValue::Text(value.to_owned())
}

pub(crate) fn plan(file: &str, context: &PlanContext) -> Plan {
    parse(file)
        .plan(context)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(file, false)))
}

/// What people read when the file is right but a flow cannot be planned.
pub(crate) fn plan_complains(file: &str, context: &PlanContext) -> String {
    match parse(file).plan(context) {
        Ok(plan) => panic!("it was planned: {plan:?}"),
        Err(diagnostics) => diagnostics.render(file, false),
    }
}

pub(crate) fn only_job(file: &str) -> JobPlan {
    let mut plan = plan(file, &context());
    plan.stages.remove(0).jobs.remove(0)
}
