//! A step's condition, worked out by the agent when the step's turn comes.

use std::collections::{BTreeMap, HashMap};

use cel::Value;
use keirin_model::Outcome;
use serde::{Deserialize, Serialize};

use crate::expression::{self, Expression, ExpressionError, kind_of};
use crate::read_step::condition_names;

/// What a condition may ask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConditionContext {
    /// The steps before this one, in order.
    pub steps: Vec<EarlierStep>,
    /// The job so far.
    pub job: JobSoFar,
    /// The environment variables of the job and of the step.
    pub env: BTreeMap<String, String>,
}

/// A step that has ended or was passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlierStep {
    /// Its name in the plan.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of its process, if one ended by itself.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_seconds: f64,
}

/// A job whose steps are under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobSoFar {
    /// Its name in the plan.
    pub name: String,
    /// Whether no step has failed yet.
    pub succeeded_so_far: bool,
    /// Whether it is being cancelled.
    pub cancelled: bool,
}

/// Checks the condition of a step: the text of `Condition::Expression`, without `${{ }}`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_condition(expression: &str) -> Result<(), ExpressionError> {
    read(expression).map(|_| ())
}

/// Works out the condition of a step: the text of `Condition::Expression`, without `${{ }}`.
///
/// # Errors
/// What is wrong with it, a key that is not there, or a value that is neither true nor false.
pub fn evaluate_condition(expression: &str, context: &ConditionContext) -> Result<bool, ExpressionError> {
    let expression = read(expression)?;
    let mut scope = expression::scope();
    scope.add_variable_from_value("steps", context.steps.iter().map(step).collect::<Vec<Value>>());
    scope.add_variable_from_value(
        "job",
        HashMap::from([
            ("name".to_owned(), Value::from(context.job.name.as_str())),
            (
                "succeeded_so_far".to_owned(),
                Value::Bool(context.job.succeeded_so_far),
            ),
            ("cancelled".to_owned(), Value::Bool(context.job.cancelled)),
        ]),
    );
    let env = context
        .env
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    scope.add_variable_from_value("env", env.collect::<HashMap<_, _>>());
    match expression.evaluate(&scope)? {
        Value::Bool(holds) => Ok(holds),
        other => Err(ExpressionError::new(format!(
            "the condition gives {}, and `true` or `false` is needed",
            kind_of(&other)
        ))
        .help("compare it with something, as in `env.MODE == 'full'`")),
    }
}

fn read(expression: &str) -> Result<Expression, ExpressionError> {
    let expression = Expression::read(expression)?;
    match expression.check(&condition_names()).into_iter().next() {
        Some(error) => Err(error),
        None => Ok(expression),
    }
}

fn step(step: &EarlierStep) -> Value {
    let mut fields = HashMap::from([
        ("name".to_owned(), Value::from(step.name.as_str())),
        ("outcome".to_owned(), Value::from(step.outcome.into_str())),
        ("duration_seconds".to_owned(), Value::Float(step.duration_seconds)),
    ]);
    if let Some(code) = step.exit_code {
        fields.insert("exit_code".to_owned(), Value::Int(code.into()));
    }
    Value::from(fields)
}
