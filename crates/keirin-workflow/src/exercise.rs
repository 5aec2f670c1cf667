//! What a fuzz target and the property tests call: any bytes go all the way, and what comes out holds together.

use std::collections::{BTreeMap, BTreeSet};

use keirin_model::flow::FlowKind;

use crate::{ConditionContext, FlowContext, PlanContext, PlanDefaults, Workflow, evaluate_condition};

/// Takes any bytes as a workflow file: parses, renders what is wrong, plans what is right. It must never panic but for
/// a broken promise of this crate.
pub fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().count().max(1);
    let diagnostics = match Workflow::parse("fuzz.yaml", "fuzz", &text) {
        Ok(workflow) => match workflow.plan(&context()) {
            Ok(plan) => {
                check_plan(&plan);
                workflow.warnings().clone()
            }
            Err(diagnostics) => {
                assert!(diagnostics.has_errors(), "a plan fails for a reason");
                diagnostics
            }
        },
        Err(diagnostics) => {
            assert!(diagnostics.has_errors(), "a file is refused for a reason");
            diagnostics
        }
    };
    for diagnostic in &diagnostics {
        assert!(
            (1..=lines).contains(&(diagnostic.line as usize)),
            "line {} of {lines}",
            diagnostic.line
        );
        assert!(
            diagnostic.column >= 1 && diagnostic.end_column >= diagnostic.column,
            "{diagnostic:?}"
        );
    }
    let rendered = diagnostics.render(&text, false);
    assert!(
        !rendered.contains('\u{1b}'),
        "nothing of the file reaches a terminal as a control sequence"
    );
}

/// Takes any text as the condition of a step.
pub fn exercise_condition(expression: &str) {
    if let Err(error) = evaluate_condition(expression, &ConditionContext::default()) {
        assert!(!error.message.is_empty(), "an expression fails for a reason");
    }
}

fn context() -> PlanContext {
    PlanContext {
        project: "fuzz".to_owned(),
        branch: "main".to_owned(),
        flow: FlowContext {
            number: 1,
            kind: FlowKind::Ci,
        },
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        change: None,
        params: BTreeMap::new(),
        defaults: PlanDefaults::default(),
    }
}

fn check_plan(plan: &keirin_model::plan::Plan) {
    assert!(plan.job_count() <= 4096, "the number of jobs is bounded");
    let stages: BTreeSet<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(stages.len(), plan.stages.len(), "names of stages are unique");
    for stage in &plan.stages {
        assert!(
            stage.needs.iter().all(|need| stages.contains(need.as_str())),
            "needs of stages are stages"
        );
        let jobs: BTreeSet<&str> = stage.jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(jobs.len(), stage.jobs.len(), "names of jobs are unique");
        let needs =
            |job: &keirin_model::plan::JobPlan| job.needs.iter().all(|need| jobs.contains(need.as_str()));
        assert!(stage.jobs.iter().all(needs), "needs of jobs are jobs");
        assert!(
            stage.jobs.iter().all(|job| !job.steps.is_empty()),
            "every job does something"
        );
    }
}
