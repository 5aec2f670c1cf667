//! Whoever asks for too much is told which limit is in the way, and nothing large has been made by then.

use keirin_promql::{
    EvaluateError, EvaluationTimes, Limit, Options, OverLimit, Query, QueryLimits, evaluate,
};

use crate::series::{AtHand, query};

fn over(text: &str, span: EvaluationTimes, source: &AtHand, limits: QueryLimits) -> Limit {
    let options = Options {
        limits,
        ..Options::default()
    };
    match evaluate(&query(text), span, source, &options) {
        Err(EvaluateError::OverLimit(OverLimit { limit, .. })) => limit,
        other => panic!("{text}: {other:?}"),
    }
}

fn answered(text: &str, span: EvaluationTimes, source: &AtHand, limits: QueryLimits) {
    let options = Options {
        limits,
        ..Options::default()
    };
    evaluate(&query(text), span, source, &options).expect("within the limits");
}

fn ten_series() -> AtHand {
    (0..10).fold(AtHand::default(), |source, index| {
        let value = f64::from(index);
        source.with(
            &[("__name__", "x"), ("n", &index.to_string())],
            60_000,
            &[Some(value); 10],
        )
    })
}

#[test]
fn a_query_that_is_too_long_or_too_deep_is_refused_with_the_limits_name() {
    let limits = QueryLimits::default();
    let long = "a".repeat(limits.query_bytes + 1);
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let open = "(".repeat(20_000);
    let signs = "-".repeat(20_000);
    let chain = "1 + ".repeat(10_000) + "1";
    let subqueries = format!("x{}", "[5m:]".repeat(10_000));
    let lengths = format!("x[{}1m]", "1m + ".repeat(10_000));
    let open_lengths = format!("x offset {}", "(".repeat(20_000));
    let signed_lengths = format!("x[{}1m]", "-".repeat(20_000));
    for (text, name) in [
        (long, "query length"),
        (deep, "query length"),
        (open, "nesting"),
        (signs, "nesting"),
        (chain, "nesting"),
        (subqueries, "nesting"),
        (lengths, "nesting"),
        (open_lengths, "nesting"),
        (signed_lengths, "nesting"),
    ] {
        let error = Query::parse(&text, &limits).expect_err("too much");
        assert!(error.message.contains(&format!("\"{name}\"")), "{error}");
    }
}

#[test]
fn the_deepest_query_that_is_allowed_is_evaluated_formatted_and_drawn() {
    let depth = QueryLimits::default().nesting;
    let chain = "x + ".repeat(depth - 1) + "x";
    let inner = depth - 1;
    let calls = format!("{}x{}", "abs(".repeat(inner), ")".repeat(inner));
    for text in [chain, calls] {
        let query = query(&text);
        query.tree();
        keirin_promql::format_query(&query);
        evaluate(
            &query,
            EvaluationTimes::range(0, 600_000, 60_000),
            &ten_series(),
            &Options::default(),
        )
        .expect("an answer");
    }
}

#[test]
fn a_range_has_so_many_steps_and_no_more() {
    let source = ten_series();
    let limits = QueryLimits::default();
    let most = i64::try_from(limits.points_per_series).expect("it fits");
    let allowed = EvaluationTimes::range(0, (most - 1) * 1000, 1000);
    evaluate(&query("1"), allowed, &source, &Options::default()).expect("as many as allowed");
    let one_more = EvaluationTimes::range(0, most * 1000, 1000);
    assert_eq!(
        over("1", one_more, &source, limits.clone()),
        Limit::PointsPerSeries
    );
    assert_eq!(
        over("1", EvaluationTimes::range(0, i64::MAX / 5, 1), &source, limits),
        Limit::PointsPerSeries
    );
}

#[test]
fn samples_are_counted_where_they_are_read_and_where_they_are_made() {
    let source = ten_series();
    let few = |samples| QueryLimits {
        samples,
        ..QueryLimits::default()
    };
    let span = EvaluationTimes::range(0, 600_000, 1000);
    assert_eq!(
        over("x", EvaluationTimes::instant(0), &source, few(99)),
        Limit::Samples
    );
    assert_eq!(over("x", span, &source, few(1000)), Limit::Samples);
    assert_eq!(
        over("count_values(\"v\", x)", span, &source, few(7000)),
        Limit::Samples
    );
    // A hundred years in steps of a millisecond: refused before the first of them.
    let long = "sum_over_time(vector(1)[100y:1ms])";
    assert_eq!(
        over(long, EvaluationTimes::instant(0), &source, QueryLimits::default()),
        Limit::Samples
    );
}

/// A subquery within a subquery makes few samples of many: what counts is how often each is looked at.
#[test]
fn what_functions_of_ranges_look_at_is_counted_before_they_do() {
    let source = ten_series();
    let few = |range_values| QueryLimits {
        range_values,
        ..QueryLimits::default()
    };
    let at = EvaluationTimes::instant(600_000);
    let sum = "sum_over_time(vector(1)[10s:1s])";
    assert_eq!(over(sum, at, &source, few(9)), Limit::RangeValues);
    answered(sum, at, &source, few(10));
    answered("count_over_time(vector(1)[10s:1s])", at, &source, few(1));
    // Each value is a reset, and each step adds all of them up.
    let resets = "rate((0 - timestamp(vector(1)))[10s:1s])";
    assert_eq!(over(resets, at, &source, few(9)), Limit::RangeValues);
    let nested = "sum_over_time(sum_over_time(vector(1)[20d:1s])[20d:1s])";
    assert_eq!(
        over(nested, at, &source, QueryLimits::default()),
        Limit::RangeValues
    );
}

#[test]
fn series_are_counted() {
    let limits = QueryLimits {
        series: 9,
        ..QueryLimits::default()
    };
    assert_eq!(
        over("x", EvaluationTimes::instant(0), &ten_series(), limits),
        Limit::Series
    );
}

#[test]
fn a_label_cannot_be_made_to_grow_without_end() {
    let mut text = "label_replace(x, \"a\", \"0123456789\", \"\", \"\")".to_owned();
    for _ in 0..40 {
        text = format!("label_join({text}, \"a\", \"\", \"a\", \"a\")");
    }
    let span = EvaluationTimes::instant(0);
    assert_eq!(
        over(&text, span, &ten_series(), QueryLimits::default()),
        Limit::LabelLength
    );
    let many = format!(
        "label_replace(x, \"a\", \"{}\", \"n\", \"(.*)\")",
        "$1".repeat(30_000)
    );
    let long = AtHand::default().with(&[("__name__", "x"), ("n", &"v".repeat(1000))], 1000, &[Some(1.0)]);
    assert_eq!(
        over(&many, span, &long, QueryLimits::default()),
        Limit::LabelLength
    );
}

#[test]
fn a_regular_expression_cannot_be_huge() {
    let error = Query::parse("x{a=~\"(a{1000}){1000}\"}", &QueryLimits::default()).expect_err("too large");
    assert!(error.message.contains("exceeds size limit"), "{error}");
}

#[test]
fn times_that_make_no_sense_are_refused() {
    let source = ten_series();
    let ask = |span| evaluate(&query("x"), span, &source, &Options::default());
    assert_eq!(ask(EvaluationTimes::instant(i64::MAX)), Err(EvaluateError::Time));
    assert_eq!(ask(EvaluationTimes::range(10, 0, 1)), Err(EvaluateError::Span));
    assert_eq!(ask(EvaluationTimes::range(0, 10, -1)), Err(EvaluateError::Span));
    let matrix = evaluate(
        &query("x[5m]"),
        EvaluationTimes::range(0, 10, 1),
        &source,
        &Options::default(),
    );
    assert!(matrix.is_err_and(|error| error.to_string().contains("range vector")));
    // What is to be fetched can be asked for any time.
    query("x[5m:1m]").selections(EvaluationTimes::range(i64::MIN, i64::MAX, 1), &Options::default());
}

/// It takes many seconds of a processor, and stays within every limit.
const SLOW: &str = "sum_over_time(sum_over_time(sum_over_time(vector(1)[30d:1m])[30d:1m])[30d:1m])";

#[test]
fn an_evaluation_ends_when_it_is_interrupted() {
    let options = Options::default();
    let interrupt = options.interrupt.clone();
    let span = EvaluationTimes::instant(0);
    let ended = std::thread::scope(|scope| {
        let evaluation = scope.spawn(|| evaluate(&query(SLOW), span, &AtHand::default(), &options));
        interrupt.interrupt();
        evaluation.join().unwrap()
    });
    assert_eq!(ended.unwrap_err(), EvaluateError::Interrupted);
}
