//! Conditions of steps, as an agent works them out.

use std::collections::BTreeMap;

use keirin_model::Outcome;
use keirin_workflow::{ConditionContext, EarlierStep, JobSoFar, check_condition, evaluate_condition};

fn context() -> ConditionContext {
    let step = |name: &str, outcome, exit_code, duration_seconds| EarlierStep {
        name: name.to_owned(),
        outcome,
        exit_code,
        duration_seconds,
    };
    ConditionContext {
        steps: vec![
            step("git .", Outcome::Success, None, 0.5),
            step("cargo test", Outcome::Failed, Some(101), 61.0),
        ],
        job: JobSoFar {
            name: "test (stable)".to_owned(),
            succeeded_so_far: false,
            cancelled: false,
        },
        env: BTreeMap::from([("MODE".to_owned(), "full".to_owned())]),
    }
}

#[test]
fn conditions_are_worked_out() {
    for (expression, expected) in [
        ("true", true),
        ("job.succeeded_so_far", false),
        ("!job.cancelled && job.name.startsWith('test')", true),
        ("steps[1].exit_code == 101", true),
        (
            "steps.exists(s, s.outcome == 'failed' && s.duration_seconds > 60.0)",
            true,
        ),
        ("steps.all(s, s.outcome == 'success')", false),
        ("size(steps.filter(s, s.outcome == 'success')) == 1", true),
        ("steps.exists_one(s, has(s.exit_code))", true),
        ("has(steps[0].exit_code)", false),
        ("env.MODE == 'full' || env.MODE == 'half'", true),
        ("has(env.OTHER) ? env.OTHER == 'x' : false", false),
        ("env.MODE in ['full', 'half'] && env.MODE.matches('^f.*l$')", true),
        ("'MODE' in env", true),
        ("steps.exists(s, steps.exists(t, s.name < t.name))", true),
        ("int('7') % 2 == 1 && string(7) == '7' && double(7) == 7.0", true),
    ] {
        assert_eq!(
            evaluate_condition(expression, &context()),
            Ok(expected),
            "{expression}"
        );
        assert_eq!(check_condition(expression), Ok(()), "{expression}");
    }
}

#[test]
fn what_cannot_be_worked_out_says_why() {
    for (expression, expected) in [
        ("", "the expression is empty"),
        ("env.OTHER == 'x'", "there is no `env.OTHER` here"),
        ("steps[7].outcome == 'failed'", "the list has no such item"),
        (
            "env.MODE",
            "the condition gives text, and `true` or `false` is needed",
        ),
        ("1 + 'a' == 2", "`+` does not take a whole number and text"),
        ("1 / 0 == 1", "the expression divides by zero"),
        ("job.failed", "there is no `job.failed`"),
        ("branch.name == 'main'", "`branch` is not known here"),
        ("steps.map(s, s.name) == []", "`map` is not available"),
        (
            "steps.exists(s, s.name + s.name == '')",
            "`+` cannot stand inside `exists`, `all`, `exists_one` or `filter`",
        ),
        (
            "steps.all(a, steps.all(b, steps.all(c, true)))",
            "`exists` and its like stand in each other more than 2 deep",
        ),
        (
            "env.MODE.matches(env.MODE)",
            "`matches` takes a pattern in quotes, of at most 100 characters and without `{`",
        ),
        (
            "env.MODE.matches('a{1000}')",
            "`matches` takes a pattern in quotes, of at most 100 characters and without `{`",
        ),
        (
            "duration('1h') > duration('1m')",
            "there is no function `duration`",
        ),
        ("job.name ==", "the expression cannot be read: it ends too early"),
        (
            "job.name = 'x'",
            "the expression cannot be read: `=` has no meaning here",
        ),
        (
            "true true",
            "the expression cannot be read: `true` is not expected here",
        ),
        (
            "env.MODE == 'full",
            "the expression cannot be read: `'full` has a quote that is not closed, or an unknown escape",
        ),
    ] {
        let error = evaluate_condition(expression, &context()).unwrap_err();
        assert_eq!(error.message, expected, "{expression}");
    }
}

#[test]
fn what_would_take_long_is_refused_before_it_is_read() {
    for expression in [
        "!".repeat(500),
        format!("1{}", "+1".repeat(400)),
        "(".repeat(900),
        format!("{}1{}", "[".repeat(50), "]".repeat(50)),
        "x".repeat(5000),
        format!("env{}", ".a".repeat(400)),
        format!("{}true", "true?true:".repeat(90)),
    ] {
        let error = evaluate_condition(&expression, &context()).unwrap_err();
        let bounded = error.message.contains("more than") || error.message.contains("not known");
        assert!(bounded, "{}", error.message);
    }
}
