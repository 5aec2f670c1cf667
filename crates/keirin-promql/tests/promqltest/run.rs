//! Runs the commands of a script one after the other.

use keirin_promql::{EvaluateError, EvaluationTimes, Options, Query, QueryResult, Value, evaluate};

use crate::script::{Command, Evaluation, Kind, commands};
use crate::storage::Storage;

/// What became of a statement.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// Why it cannot be run here.
    Skipped(String),
}

impl Outcome {
    pub(crate) fn is_passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
    pub(crate) fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped(_))
    }
}

/// What became of all statements of a script, each with its line.
pub(crate) struct Tally {
    pub(crate) script: String,
    pub(crate) outcomes: Vec<(usize, Outcome)>,
}

impl Tally {
    pub(crate) fn count(&self, kind: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| kind(outcome)).count()
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        let failure = |(line, outcome): &(usize, Outcome)| match outcome {
            Outcome::Failed(reason) => Some(format!("{}:{line}: {reason}", self.script)),
            _ => None,
        };
        self.outcomes.iter().filter_map(failure).collect()
    }
}

/// Runs a script.
pub(crate) fn run(script: String, text: &str) -> Tally {
    let mut storage = Storage::default();
    let mut outcomes = Vec::new();
    for Command { line, kind } in commands(text) {
        match kind {
            Kind::Clear => storage = Storage::default(),
            Kind::Load(load) => storage.load(&load),
            Kind::Wrong(reason) => outcomes.push((line, Outcome::Failed(reason))),
            Kind::Evaluate(evaluation) => outcomes.push((line, run_one(&evaluation, &storage))),
        }
    }
    Tally { script, outcomes }
}

fn run_one(evaluation: &Evaluation, storage: &Storage) -> Outcome {
    let options = Options::default();
    let Evaluation {
        query: text,
        span,
        expectation,
    } = evaluation;
    let query = match Query::parse(text, &options.limits) {
        Ok(query) => query,
        Err(error) if error.unsupported => return Outcome::Skipped(error.message),
        Err(error) => return outcome(text, expectation.check_failure(&error.to_string())),
    };
    let runs = runs(&query, *span, &options);
    let reads_native = |run: &Run| {
        let mut selections = run.query.selections(run.span, &options).into_iter();
        selections.any(|selection| storage.has_native(&selection))
    };
    if expectation.has_native() {
        return Outcome::Skipped("the expected result holds native histograms".to_owned());
    }
    if runs.iter().any(reads_native) {
        return Outcome::Skipped("the query reads native histograms".to_owned());
    }
    for run in runs {
        let result = evaluate(&run.query, run.span, storage, &options);
        if let Err(reason) = check(evaluation, &run, result) {
            let how = format!("{} {:?}", run.query.text(), run.span);
            return outcome(&how, Err(reason));
        }
    }
    Outcome::Passed
}

fn outcome(query: &str, result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed(format!("{query}: {reason}")),
    }
}

/// One way to get the answer of a statement.
struct Run {
    query: Query,
    span: EvaluationTimes,
    /// The one time of the answer that is looked at, where it has others too.
    look_at_ms: Option<i64>,
}

/// The statement itself; for an instant query also the same as the middle of three steps, and both again with the time
/// of all selectors fixed, evaluated at quite other times.
fn runs(query: &Query, span: EvaluationTimes, options: &Options) -> Vec<Run> {
    let itself = |query: &Query, span: EvaluationTimes| Run {
        query: query.clone(),
        span,
        look_at_ms: None,
    };
    if !span.is_instant() {
        return vec![itself(query, span)];
    }
    let time_ms = span.start_ms;
    let mut instants = vec![(query.clone(), time_ms)];
    if let Some(pinned) = query.pinned(time_ms) {
        let pinned = Query::parse(&pinned, &options.limits).expect("what was formatted can be read");
        let others = match time_ms {
            0 => vec![-1000, 0, 1000],
            time_ms => vec![-10 * time_ms, 0, time_ms / 5, time_ms, 10 * time_ms],
        };
        instants.extend(others.into_iter().map(|time_ms| (pinned.clone(), time_ms)));
    }
    let of_context = ["start()", "end()", "range()", "step()"];
    let as_range = matches!(query.value_type().into_str(), "scalar" | "vector")
        && !of_context.iter().any(|call| query.text().contains(call));
    let mut runs = Vec::new();
    for (query, time_ms) in instants {
        runs.push(itself(&query, EvaluationTimes::instant(time_ms)));
        if as_range {
            runs.push(Run {
                query,
                span: EvaluationTimes::range(time_ms - 60_000, time_ms + 60_000, 60_000),
                look_at_ms: Some(time_ms),
            });
        }
    }
    runs
}

fn check(
    evaluation: &Evaluation,
    run: &Run,
    result: Result<QueryResult, EvaluateError>,
) -> Result<(), String> {
    let expectation = &evaluation.expectation;
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => return expectation.check_failure(&error.to_string()),
    };
    if let Some(time_ms) = run.look_at_ms {
        if expectation.is_fail() || expectation.modifier.ordered {
            return Ok(());
        }
        let Value::Matrix(matrix) = &answer.value else {
            return Err("a range query gave no matrix".to_owned());
        };
        let at = matrix.iter().filter_map(|series| {
            let sample = series.samples.iter().find(|sample| sample.time_ms == time_ms)?;
            Some((&series.labels, sample.value))
        });
        let at: Vec<_> = at.collect();
        return match (expectation.scalar, at.as_slice()) {
            (Some(_), [(_, value)]) => {
                let sample = keirin_model::series::Sample::new(time_ms, *value);
                expectation.check_value(&Value::Scalar(sample), time_ms, 0)
            }
            _ => expectation.check_vector(&at),
        };
    }
    if expectation.is_fail() {
        return Err("it did not fail".to_owned());
    }
    expectation.check_annotations(&answer)?;
    let points = expectation.range_vector.unwrap_or(evaluation.span);
    expectation.check_value(&answer.value, points.start_ms, points.step_ms)
}
