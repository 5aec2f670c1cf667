//! What a query needs to be fetched.

use std::cell::RefCell;

use keirin_promql::{EvaluationTimes, Options, Selection, Series, SeriesSource, SeriesSourceError, evaluate};

use crate::series::query;

const MINUTE: i64 = 60_000;

fn times(text: &str, span: EvaluationTimes) -> Vec<(i64, i64)> {
    let selections = query(text).selections(span, &Options::default());
    selections
        .iter()
        .map(|selection| (selection.from_ms / MINUTE, selection.until_ms / MINUTE))
        .collect()
}

#[test]
fn a_selector_needs_its_look_back_or_its_range_before_the_first_step() {
    let span = EvaluationTimes::range(60 * MINUTE, 120 * MINUTE, MINUTE);
    assert_eq!(times("x", span), [(55, 120)]);
    assert_eq!(times("rate(x[30m])", span), [(30, 120)]);
    assert_eq!(times("x offset 10m", span), [(45, 110)]);
    assert_eq!(times("x offset -10m", span), [(65, 130)]);
    assert_eq!(times("x + max_over_time(y[10m:])", span), [(55, 120), (46, 120)]);
}

#[test]
fn a_fixed_time_takes_the_place_of_all_steps() {
    let span = EvaluationTimes::range(60 * MINUTE, 120 * MINUTE, MINUTE);
    assert_eq!(times("x @ 600", span), [(5, 10)]);
    assert_eq!(times("rate(x[5m] @ start())", span), [(55, 60)]);
    assert_eq!(times("rate(x[5m] @ end() offset 1m)", span), [(114, 119)]);
}

#[test]
fn a_subquery_needs_what_its_steps_need() {
    let at = EvaluationTimes::instant(60 * MINUTE);
    // From 31 to 60 minutes in steps of a minute, each with a range of ten.
    assert_eq!(times("max_over_time(rate(x[10m])[30m:1m])", at), [(21, 60)]);
    // Steps are multiples of seven minutes: from 35 on.
    assert_eq!(times("max_over_time(rate(x[10m])[30m:7m])", at), [(25, 56)]);
}

#[test]
fn the_last_step_may_be_before_the_end() {
    assert_eq!(
        times("x", EvaluationTimes::range(0, 10 * MINUTE, 4 * MINUTE)),
        [(-5, 8)]
    );
}

/// Counts how often it is asked.
#[derive(Default)]
struct Counting(RefCell<Vec<Selection>>);

impl SeriesSource for Counting {
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        self.0.borrow_mut().push(selection.clone());
        Ok(Vec::new())
    }
}

#[test]
fn the_source_is_asked_once_for_all_steps_and_for_what_is_written_twice() {
    let source = Counting::default();
    let query = query("rate(x[5m]) / (rate(x[5m]) + rate(x[10m]))");
    let span = EvaluationTimes::range(0, 600 * MINUTE, MINUTE);
    evaluate(&query, span, &source, &Options::default()).expect("an answer");
    assert_eq!(source.0.borrow().len(), 2);
    let asked = query.selections(span, &Options::default());
    assert!(
        source
            .0
            .borrow()
            .iter()
            .all(|selection| asked.contains(selection))
    );
}

#[test]
fn a_source_that_fails_fails_the_query() {
    struct Failing;
    impl SeriesSource for Failing {
        fn select(&self, _: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
            Err(SeriesSourceError("the database is away".to_owned()))
        }
    }
    let error = evaluate(
        &query("x"),
        EvaluationTimes::instant(0),
        &Failing,
        &Options::default(),
    );
    assert_eq!(error.expect_err("it failed").to_string(), "the database is away");
}
