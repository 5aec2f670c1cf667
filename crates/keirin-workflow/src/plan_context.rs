//! What a flow is about: what the expressions of its workflow are worked out from.

use std::collections::{BTreeMap, HashMap};

use cel::{Context, Value};
use jiff::SignedDuration;
use keirin_model::flow::{Change, FlowKind, ParamValue};

use crate::expression;

/// What a flow is about: what expressions are worked out from.
#[derive(Debug, Clone)]
pub struct PlanContext {
    /// The project's name.
    pub project: String,
    /// The name of the branch that it runs on or is proposed to.
    pub branch: String,
    /// The flow itself.
    pub flow: FlowContext,
    /// The commit that it tests; `None` only where there is no repository.
    pub commit: Option<String>,
    /// The proposed change, for kind `dev`.
    pub change: Option<Change>,
    /// What it was started with; defaults are filled in by the plan.
    pub params: BTreeMap<String, ParamValue>,
    /// What holds where the workflow says nothing.
    pub defaults: PlanDefaults,
}

/// The flow that a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowContext {
    /// Its number in the project.
    pub number: i64,
    /// What it is for.
    pub kind: FlowKind,
}

/// What holds where the workflow says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanDefaults {
    /// The agents group.
    pub group: String,
    /// Whether jobs run where they can, whatever executor they ask for.
    pub any_executor: bool,
    /// How long an attempt at a job may take.
    pub timeout: SignedDuration,
}

impl Default for PlanDefaults {
    fn default() -> Self {
        Self {
            group: "all".to_owned(),
            any_executor: false,
            timeout: SignedDuration::from_hours(1),
        }
    }
}

/// The variables that every expression of the file may use.
pub(crate) fn scope_of_a_flow(
    context: &PlanContext,
    params: &BTreeMap<String, ParamValue>,
) -> Context<'static, 'static> {
    let mut scope = expression::scope();
    let params = params.iter().map(|(name, value)| {
        let value = match value {
            ParamValue::Boolean(value) => Value::Bool(*value),
            ParamValue::Integer(value) => Value::Int(*value),
            ParamValue::Number(value) => Value::Float(*value),
            ParamValue::Text(value) => Value::from(value.as_str()),
        };
        (name.clone(), value)
    });
    scope.add_variable_from_value("params", params.collect::<HashMap<_, _>>());
    scope.add_variable_from_value("branch", map([("name", Some(context.branch.as_str()))]));
    scope.add_variable_from_value("project", map([("name", Some(context.project.as_str()))]));
    let number = Value::Int(context.flow.number);
    let kind = Value::from(context.flow.kind.into_str());
    scope.add_variable_from_value(
        "flow",
        HashMap::from([("number".to_owned(), number), ("kind".to_owned(), kind)]),
    );
    scope.add_variable_from_value(
        "commit",
        context.commit.as_deref().map_or(Value::Null, Value::from),
    );
    let change = context.change.as_ref();
    scope.add_variable_from_value(
        "change",
        map([
            ("base", change.and_then(|change| change.base.as_deref())),
            ("head", change.map(|change| change.head.as_str())),
            ("author", change.and_then(|change| change.author.as_deref())),
            ("title", change.and_then(|change| change.title.as_deref())),
        ]),
    );
    scope
}

/// A map of the texts that are there: `has()` tells which.
fn map<const N: usize>(texts: [(&str, Option<&str>); N]) -> HashMap<String, Value> {
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))))
        .collect()
}
