//! Whether a step runs, given how the steps before it went.

use keirin_model::Outcome;
use keirin_model::plan::Condition;
use keirin_workflow::{ConditionContext, evaluate_condition};

/// What is to become of a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Run,
    Skip,
    /// The condition cannot be worked out, which is a failure and not a reason to skip.
    Broken(String),
}

/// Decides. While a job is being stopped only `always` steps run, and those whose condition asks for `job.cancelled`.
pub(crate) fn turn(condition: &Condition, is_stopping: bool, context: &ConditionContext) -> Turn {
    let runs = match condition {
        Condition::Always => true,
        Condition::Success => !is_stopping && context.job.succeeded_so_far,
        Condition::Failure => !is_stopping && !context.job.succeeded_so_far,
        Condition::Expression(expression) if is_stopping && !expression.contains("job.cancelled") => false,
        Condition::Expression(expression) => match evaluate_condition(expression, context) {
            Ok(holds) => holds,
            Err(error) => {
                let help = error
                    .suggestion
                    .map(|suggestion| format!("; {suggestion}"))
                    .unwrap_or_default();
                return Turn::Broken(format!(
                    "the condition `{expression}` cannot be worked out: {}{help}",
                    error.message
                ));
            }
        },
    };
    if runs { Turn::Run } else { Turn::Skip }
}

/// Whether a step that ended so counts as a failure to those after it.
pub(crate) fn is_failure(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Success | Outcome::Skipped)
}

#[cfg(test)]
mod tests {
    use keirin_workflow::JobSoFar;

    use super::*;

    fn decide(condition: Condition, succeeded_so_far: bool, is_stopping: bool) -> Turn {
        let job = JobSoFar {
            name: "job".to_owned(),
            succeeded_so_far,
            cancelled: is_stopping,
        };
        turn(
            &condition,
            is_stopping,
            &ConditionContext {
                job,
                ..ConditionContext::default()
            },
        )
    }

    #[test]
    fn each_condition_has_its_moment() {
        let expression = |text: &str| Condition::Expression(text.to_owned());
        for (condition, well, after_failure, while_stopping) in [
            (Condition::Success, Turn::Run, Turn::Skip, Turn::Skip),
            (Condition::Failure, Turn::Skip, Turn::Run, Turn::Skip),
            (Condition::Always, Turn::Run, Turn::Run, Turn::Run),
            (expression("1 == 1"), Turn::Run, Turn::Run, Turn::Skip),
            (expression("job.cancelled"), Turn::Skip, Turn::Skip, Turn::Run),
        ] {
            assert_eq!(decide(condition.clone(), true, false), well, "{condition:?}");
            assert_eq!(
                decide(condition.clone(), false, false),
                after_failure,
                "{condition:?}"
            );
            assert_eq!(
                decide(condition.clone(), false, true),
                while_stopping,
                "{condition:?}"
            );
        }
    }

    #[test]
    fn a_condition_that_cannot_be_worked_out_is_named() {
        let Turn::Broken(message) = decide(
            Condition::Expression("env.MISSING == 'x'".to_owned()),
            true,
            false,
        ) else {
            panic!("a missing key is an error");
        };
        assert!(message.contains("env.MISSING"), "{message}");
    }
}
