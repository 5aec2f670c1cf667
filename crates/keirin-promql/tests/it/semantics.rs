//! Worked examples of what is easily got wrong.

use keirin_model::series::Sample;
use keirin_promql::{EvaluationTimes, Value};

use crate::series::{AtHand, ask, value, vector};

const MINUTE: i64 = 60_000;

fn points(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn one(values: &[f64]) -> AtHand {
    AtHand::default().with(&[("__name__", "x_total")], MINUTE, &points(values))
}

#[test]
fn a_sample_is_the_present_value_until_it_is_as_old_as_the_look_back() {
    let source = one(&[7.0]);
    assert_eq!(value(&source, "x_total", 0), Some(7.0));
    assert_eq!(value(&source, "x_total", 5 * MINUTE - 1), Some(7.0));
    assert_eq!(value(&source, "x_total", 5 * MINUTE), None);
    assert_eq!(value(&source, "x_total", -1), None);
}

#[test]
fn a_range_is_open_at_its_start_and_closed_at_its_end() {
    let source = one(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        value(&source, "count_over_time(x_total[2m])", 3 * MINUTE),
        Some(2.0)
    );
    assert_eq!(
        value(&source, "sum_over_time(x_total[2m])", 3 * MINUTE - 1),
        Some(5.0)
    );
    assert_eq!(
        value(&source, "count_over_time(x_total[1ms])", 3 * MINUTE),
        Some(1.0)
    );
}

#[test]
fn the_marker_of_an_end_ends_a_series_at_once_and_is_no_sample_of_a_range() {
    let source = one(&[1.0, Sample::stale(0).value, 3.0]);
    assert_eq!(value(&source, "x_total", MINUTE - 1), Some(1.0));
    assert_eq!(value(&source, "x_total", MINUTE), None);
    assert_eq!(
        value(&source, "count_over_time(x_total[10m])", 2 * MINUTE),
        Some(2.0)
    );
    assert_eq!(value(&source, "last_over_time(x_total[10m])", MINUTE), Some(1.0));
}

fn two_metrics() -> AtHand {
    AtHand::default()
        .with(
            &[("__name__", "a_total"), ("env", "1")],
            5 * MINUTE,
            &points(&[0.0, 60.0, 120.0]),
        )
        .with(
            &[("__name__", "b_total"), ("env", "1")],
            5 * MINUTE,
            &points(&[60.0, 120.0, 180.0]),
        )
}

fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = vector(&two_metrics(), text, 10 * MINUTE)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

#[test]
fn a_name_that_no_longer_fits_is_dropped_at_the_very_end() {
    assert_eq!(names("a_total"), [r#"a_total{env="1"}"#]);
    assert_eq!(names("-a_total"), [r#"{env="1"}"#]);
    assert_eq!(names("a_total + b_total"), [r#"{env="1"}"#]);
    assert_eq!(names("a_total <= b_total"), [r#"a_total{env="1"}"#]);
    assert_eq!(names("a_total <= bool b_total"), [r#"{env="1"}"#]);
    assert_eq!(names("last_over_time(a_total[10m])"), [r#"a_total{env="1"}"#]);
    assert_eq!(names("max_over_time(a_total[10m])"), [r#"{env="1"}"#]);
    // Until then it can be used.
    let saved = r#"label_replace(rate({env="1"}[10m]), "name", "$1", "__name__", "(.*)_total")"#;
    assert_eq!(names(saved), [r#"{env="1", name="a"}"#, r#"{env="1", name="b"}"#]);
    let renamed = r#"label_replace(rate({env="1"}[10m]), "__name__", "rate_$1", "__name__", "(.*)_total")"#;
    assert_eq!(names(renamed), [r#"rate_a{env="1"}"#, r#"rate_b{env="1"}"#]);
    assert_eq!(names("sum by (__name__) (a_total)"), ["a_total"]);
    assert_eq!(
        names("topk(9, sum by (__name__, env) (rate(a_total[10m])))"),
        [r#"{env="1"}"#]
    );
    assert_eq!(names(r#"sum by (env) (rate({env="1"}[10m]))"#), [r#"{env="1"}"#]);
}

#[test]
fn series_that_become_the_same_are_an_error_unless_they_take_turns() {
    let error = ask(
        &two_metrics(),
        r#"rate({env="1"}[10m])"#,
        EvaluationTimes::instant(10 * MINUTE),
    );
    let message = "vector cannot contain metrics with the same labelset";
    assert_eq!(error.expect_err("two of the same").to_string(), message);
    let turns = AtHand::default()
        .with(&[("__name__", "a")], 20 * MINUTE, &[Some(2.0), None])
        .with(&[("__name__", "b")], 20 * MINUTE, &[None, Some(4.0)]);
    let span = EvaluationTimes::range(0, 20 * MINUTE, 20 * MINUTE);
    let answer = ask(&turns, r#"-{__name__=~"a|b"}"#, span).expect("one series");
    let Value::Matrix(matrix) = answer.value else {
        panic!("no matrix");
    };
    assert_eq!(matrix.len(), 1);
    assert_eq!(matrix[0].samples.values(), [-2.0, -4.0]);
}

fn two_sides() -> AtHand {
    AtHand::default()
        .with(
            &[("__name__", "errors"), ("method", "get"), ("code", "500")],
            MINUTE,
            &[Some(24.0)],
        )
        .with(
            &[("__name__", "errors"), ("method", "get"), ("code", "404")],
            MINUTE,
            &[Some(30.0)],
        )
        .with(
            &[("__name__", "errors"), ("method", "put"), ("code", "501")],
            MINUTE,
            &[Some(3.0)],
        )
        .with(
            &[("__name__", "errors"), ("method", "post"), ("code", "500")],
            MINUTE,
            &[Some(6.0)],
        )
        .with(
            &[("__name__", "requests"), ("method", "get"), ("team", "a")],
            MINUTE,
            &[Some(600.0)],
        )
        .with(
            &[("__name__", "requests"), ("method", "del"), ("team", "b")],
            MINUTE,
            &[Some(34.0)],
        )
        .with(
            &[("__name__", "requests"), ("method", "post"), ("team", "b")],
            MINUTE,
            &[Some(120.0)],
        )
}

#[test]
fn many_series_may_match_one_where_that_is_said() {
    let source = two_sides();
    let text = "errors / on (method) group_left (team) requests";
    assert_eq!(
        vector(&source, text, 0),
        [
            (r#"{code="500", method="get", team="a"}"#.to_owned(), 0.04),
            (r#"{code="404", method="get", team="a"}"#.to_owned(), 0.05),
            (r#"{code="500", method="post", team="b"}"#.to_owned(), 0.05),
        ]
    );
    let turned = "requests / on (method) group_right (team) errors";
    assert_eq!(vector(&source, turned, 0)[0].1, 25.0);
    for (text, message) in [
        (
            "errors / on (method) requests",
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        ),
        (
            "requests / on (method) errors",
            "found duplicate series for the match group {method=\"get\"} on the right hand-side of the operation: \
             [{__name__=\"errors\", code=\"404\", method=\"get\"}, {__name__=\"errors\", code=\"500\", \
             method=\"get\"}];many-to-many matching not allowed: matching labels must be unique on one side",
        ),
        (
            "errors * on () group_left () requests",
            "found duplicate series for the match group {} on the right hand-side of the operation: \
             [{__name__=\"requests\", method=\"del\", team=\"b\"}, {__name__=\"requests\", method=\"get\", \
             team=\"a\"}];many-to-many matching not allowed: matching labels must be unique on one side",
        ),
    ] {
        let message = message.to_owned();
        let error = ask(&source, text, EvaluationTimes::instant(0))
            .expect_err(text)
            .to_string();
        // Which two of three are named does not matter.
        assert_eq!(error.split(": [").next(), message.split(": [").next());
    }
}

#[test]
fn a_missing_match_can_be_filled_in() {
    let source = two_sides();
    let text = r#"errors{code=~"50."} / ignoring (code, team) fill (0) requests"#;
    let mut filled = vector(&source, text, 0);
    filled.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(
        filled,
        [
            (r#"{method="del"}"#.to_owned(), 0.0),
            (r#"{method="get"}"#.to_owned(), 0.04),
            (r#"{method="post"}"#.to_owned(), 0.05),
            (r#"{method="put"}"#.to_owned(), f64::INFINITY),
        ]
    );
    let left = r#"errors{code=~"50."} / ignoring (code, team) fill_left (1) requests"#;
    assert_eq!(vector(&source, left, 0).len(), 3);
}

#[test]
fn set_operators_look_at_labels_and_keep_series_as_they_are() {
    let source = two_sides();
    let methods = |text: &str| {
        let mut found: Vec<String> = vector(&source, text, 0)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        found.sort();
        found
    };
    let not_put = [
        r#"errors{code="404", method="get"}"#,
        r#"errors{code="500", method="get"}"#,
        r#"errors{code="500", method="post"}"#,
    ];
    assert_eq!(methods("errors and on (method) requests"), not_put);
    assert_eq!(
        methods("errors unless on (method) requests"),
        [r#"errors{code="501", method="put"}"#]
    );
    let either = methods("errors or on (method) requests");
    assert_eq!(either.len(), 5);
    assert!(either.contains(&r#"requests{method="del", team="b"}"#.to_owned()));
}

#[test]
fn a_step_of_its_own_lets_a_set_change_over_time() {
    let source = AtHand::default()
        .with(&[("__name__", "a")], 10 * MINUTE, &[Some(1.0), None, Some(1.0)])
        .with(&[("__name__", "b")], 10 * MINUTE, &points(&[2.0, 2.0, 2.0]));
    let answer = ask(
        &source,
        "a or b",
        EvaluationTimes::range(0, 20 * MINUTE, 10 * MINUTE),
    )
    .expect("an answer");
    let Value::Matrix(matrix) = answer.value else {
        panic!("no matrix");
    };
    assert_eq!(matrix[0].samples.times_ms(), [0, 20 * MINUTE]);
    assert_eq!(matrix[1].samples.times_ms(), [10 * MINUTE]);
}

#[test]
fn what_is_no_number_is_never_at_the_top_nor_at_the_bottom() {
    let source = AtHand::default()
        .with(&[("__name__", "x"), ("n", "1")], MINUTE, &[Some(f64::NAN)])
        .with(&[("__name__", "x"), ("n", "2")], MINUTE, &[Some(1.0)])
        .with(&[("__name__", "x"), ("n", "3")], MINUTE, &[Some(2.0)]);
    let order = |text: &str| -> Vec<f64> {
        vector(&source, text, 0)
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    };
    assert_eq!(order("topk(2, x)"), [2.0, 1.0]);
    assert_eq!(order("bottomk(2, x)"), [1.0, 2.0]);
    assert!(order("sort(x)")[2].is_nan());
    assert!(order("sort_desc(x)")[2].is_nan());
    assert_eq!(order("max(x)"), [2.0]);
    assert!(order("sum(x)")[0].is_nan());
}

#[test]
fn a_fixed_time_gives_the_same_at_all_steps() {
    let source = one(&[1.0, 2.0, 3.0, 4.0]);
    let span = EvaluationTimes::range(0, 3 * MINUTE, MINUTE);
    for (text, values) in [
        ("x_total @ 60", [2.0; 4]),
        ("sum_over_time(x_total[2m] @ end())", [7.0; 4]),
        ("x_total - x_total @ start()", [0.0, 1.0, 2.0, 3.0]),
        ("timestamp(x_total @ 61)", [60.0; 4]),
        ("timestamp(-x_total @ 61)", [0.0, 60.0, 120.0, 180.0]),
    ] {
        let Value::Matrix(matrix) = ask(&source, text, span).expect("an answer").value else {
            panic!("no matrix");
        };
        assert_eq!(matrix[0].samples.values(), values, "{text}");
    }
}

#[test]
fn the_steps_of_a_subquery_do_not_depend_on_the_time_of_the_query() {
    let source = one(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    // At 9 min 30 s: steps at 6 and 9 minutes, whose values are 6 and 9.
    let at = 9 * MINUTE + 30_000;
    assert_eq!(value(&source, "sum_over_time(x_total[5m:3m])", at), Some(15.0));
    assert_eq!(value(&source, "count_over_time(x_total[5m:])", at), Some(5.0));
    assert_eq!(
        value(&source, "sum_over_time(x_total[5m:3m] offset 3m)", at),
        Some(9.0)
    );
}

#[test]
fn warnings_and_hints_say_where() {
    let source = one(&[1.0, 2.0]);
    let span = EvaluationTimes::range(0, MINUTE, MINUTE);
    let answer = ask(&source, "1 +\n quantile(2, x_total)", span).expect("an answer");
    assert_eq!(
        answer.warnings,
        ["PromQL warning: quantile value should be between 0 and 1, got 2 (2:11)"]
    );
    let gauge = AtHand::default().with(&[("__name__", "x")], MINUTE, &points(&[1.0, 2.0]));
    let answer = ask(&gauge, "sum(rate(x[5m]))", EvaluationTimes::instant(MINUTE)).expect("an answer");
    assert_eq!(
        answer.infos,
        [
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"x\" (1:10)"
        ]
    );
}

#[test]
fn zero_no_data_and_failed_are_three_things() {
    let source = one(&[0.0]);
    assert_eq!(value(&source, "x_total", 0), Some(0.0));
    assert_eq!(value(&source, "y_total", 0), None);
    assert_eq!(
        vector(&source, "absent(y_total{a=\"1\"})", 0),
        [(r#"{a="1"}"#.to_owned(), 1.0)]
    );
    assert_eq!(value(&source, "absent(x_total)", 0), None);
    assert!(
        ask(
            &source,
            "label_replace(x_total, \"\", \"\", \"\", \"\")",
            EvaluationTimes::instant(0)
        )
        .is_err()
    );
}
