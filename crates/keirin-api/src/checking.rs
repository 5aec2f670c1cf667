//! Workflow texts: what is wrong with them and what they would do.

use std::collections::BTreeMap;

use keirin_model::flow::{FlowKind, ParamValue};
use keirin_wire::api::{CheckWorkflow, Diagnostic, Param, ParamKind, WorkflowCheck};
use keirin_workflow::{FlowContext, PlanContext, PlanDefaults, Workflow};

/// What a text is called where nobody says.
const FILE: &str = ".keirin.yaml";

/// The JSON Schema of workflow files.
pub fn schema() -> serde_json::Value {
    keirin_workflow::json_schema()
}

/// Checks a text that stands in no repository.
pub fn check(asked: &CheckWorkflow) -> WorkflowCheck {
    let file = asked.file.as_deref().unwrap_or(FILE);
    let (workflow, diagnostics) = parse(file, &asked.text);
    match workflow {
        None => WorkflowCheck {
            diagnostics,
            plan: None,
        },
        Some(workflow) => planned(&workflow, diagnostics),
    }
}

/// A workflow file in a repository as people see it.
pub fn view(file: &str, commit: &str, text: String) -> keirin_wire::api::Workflow {
    let (workflow, diagnostics) = parse(file, &text);
    let check = match &workflow {
        None => WorkflowCheck {
            diagnostics,
            plan: None,
        },
        Some(workflow) => planned(workflow, diagnostics),
    };
    keirin_wire::api::Workflow {
        name: name_of(file).to_owned(),
        file: file.to_owned(),
        commit: commit.to_owned(),
        params: workflow
            .iter()
            .flat_map(|workflow| workflow.params().iter().map(param))
            .collect(),
        triggers: workflow.map(|workflow| workflow.triggers().clone()),
        diagnostics: check.diagnostics,
        plan: check.plan,
        text,
    }
}

/// The name of the workflow in this file: `default` for `.keirin.yaml`, `NAME` for `.keirin/NAME.yaml`.
pub fn name_of(file: &str) -> &str {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem
        .strip_suffix(".yaml")
        .or_else(|| stem.strip_suffix(".yml"))
        .unwrap_or(stem);
    if file.starts_with(".keirin/") {
        stem
    } else {
        "default"
    }
}

fn parse(file: &str, text: &str) -> (Option<Workflow>, Vec<Diagnostic>) {
    match Workflow::parse(file, name_of(file), text) {
        Ok(workflow) => {
            let warnings = workflow.warnings().0.clone();
            (Some(workflow), warnings)
        }
        Err(errors) => (None, errors.0),
    }
}

/// What would run on a push to `main`, with the parameters' defaults and the simplest value where there is none.
fn planned(workflow: &Workflow, mut diagnostics: Vec<Diagnostic>) -> WorkflowCheck {
    let context = PlanContext {
        project: "project".to_owned(),
        branch: "main".to_owned(),
        flow: FlowContext {
            number: 1,
            kind: FlowKind::Ci,
        },
        commit: Some("0".repeat(40)),
        change: None,
        params: simplest(workflow),
        defaults: PlanDefaults::default(),
    };
    match workflow.plan(&context) {
        Ok(plan) => WorkflowCheck {
            diagnostics,
            plan: Some(plan),
        },
        Err(errors) => {
            diagnostics.extend(errors.0);
            WorkflowCheck {
                diagnostics,
                plan: None,
            }
        }
    }
}

fn simplest(workflow: &Workflow) -> BTreeMap<String, ParamValue> {
    let needed = workflow.params().iter().filter(|param| param.required());
    let values = needed.map(|param| {
        let value = match param.kind {
            keirin_workflow::ParamKind::String => ParamValue::Text(String::new()),
            keirin_workflow::ParamKind::Choice => {
                ParamValue::Text(param.choices.first().cloned().unwrap_or_default())
            }
            keirin_workflow::ParamKind::Boolean => ParamValue::Boolean(false),
            keirin_workflow::ParamKind::Number => ParamValue::Integer(0),
        };
        (param.name.clone(), value)
    });
    values.collect()
}

fn param(param: &keirin_workflow::Param) -> Param {
    Param {
        name: param.name.clone(),
        kind: match param.kind {
            keirin_workflow::ParamKind::String => ParamKind::String,
            keirin_workflow::ParamKind::Choice => ParamKind::Choice,
            keirin_workflow::ParamKind::Boolean => ParamKind::Boolean,
            keirin_workflow::ParamKind::Number => ParamKind::Number,
        },
        choices: param.choices.clone(),
        default: param.default.clone(),
        description: param.description.clone(),
    }
}
