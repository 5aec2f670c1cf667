//! What holds for every query and all series. `make fuzz` runs these for longer.

use std::collections::BTreeMap;

use keirin_model::series::Labels;
use keirin_promql::{
    EvaluateError, EvaluationTimes, Options, Query, QueryResult, Value, evaluate, format_query,
};
use proptest::prelude::*;

use crate::expressions::{Kinds, anything, some_series, vectors};
use crate::series::{AtHand, caret, query};

const STEP_MS: i64 = 70_000;

/// The values at one time, whatever the order.
type Values = BTreeMap<Labels, f64>;

proptest! {
    #[test]
    fn what_is_formatted_reads_as_the_same(text in anything(Kinds::ALL)) {
        let once = query(&text);
        let line = once.to_string();
        let again = query(&line);
        prop_assert_eq!(again.to_string(), line.clone());
        prop_assert_eq!(again.tree(), once.tree());
        let pretty = query(&format_query(&once));
        prop_assert_eq!(pretty.to_string(), line);
    }

    #[test]
    fn no_text_makes_reader_or_evaluator_panic(text in ".{0,60}") {
        read(&text);
    }

    #[test]
    fn no_words_make_reader_or_evaluator_panic(words in prop::collection::vec(words(), 0..24)) {
        read(&words.concat());
        read(&words.join(" "));
    }

    #[test]
    fn no_damaged_query_makes_reader_or_evaluator_panic(text in anything(Kinds::ALL), at in any::<prop::sample::Index>(), put in ".{0,3}") {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let place = *at.get(&places);
        let after = text[place..].chars().next().map_or(0, char::len_utf8);
        read(&format!("{}{put}{}", &text[..place], &text[place..]));
        read(&format!("{}{put}{}", &text[..place], &text[place + after..]));
        read(&text[..place]);
    }

    #[test]
    fn no_query_makes_the_evaluator_panic(text in anything(Kinds::ALL), series in some_series()) {
        let source = AtHand { series, only_asked: false };
        let query = query(&text);
        for span in [EvaluationTimes::instant(600_000), EvaluationTimes::range(0, 1_500_000, STEP_MS)] {
            let _ = evaluate(&query, span, &source, &Options::default());
        }
    }

    #[test]
    fn a_range_query_gives_at_each_step_what_an_instant_query_gives(
        text in vectors(Kinds { context: false, ..Kinds::ALL }),
        series in some_series(),
    ) {
        let source = AtHand { series, only_asked: false };
        let query = query(&text);
        let options = Options::default();
        let span = EvaluationTimes::range(60_000, 1_200_000, STEP_MS);
        let range = evaluate(&query, span, &source, &options);
        for time_ms in (span.start_ms..=span.end_ms).step_by(70_000) {
            let instant = evaluate(&query, EvaluationTimes::instant(time_ms), &source, &options);
            match (&range, instant) {
                (Ok(range), Ok(instant)) => {
                    let (range, instant) = (values_at(range, time_ms), values_at(&instant, time_ms));
                    prop_assert!(same(&range, &instant), "at {time_ms}: {range:?} and {instant:?}");
                }
                // Where the series do not match at one step, the whole range query has no answer.
                (Err(_), _) => {}
                (Ok(_), Err(error)) => prop_assert!(false, "at {time_ms} only: {error}"),
            }
        }
    }

    #[test]
    fn what_is_selected_is_enough(text in anything(Kinds::ALL), series in some_series()) {
        let all = AtHand { series, only_asked: false };
        let asked = AtHand { only_asked: true, ..all.clone() };
        let query = query(&text);
        for span in [EvaluationTimes::instant(600_000), EvaluationTimes::range(0, 1_500_000, STEP_MS)] {
            let shown = |source: &AtHand| {
                let answer: Result<QueryResult, EvaluateError> = evaluate(&query, span, source, &Options::default());
                // As text, since what is not a number does not equal itself.
                format!("{answer:?}")
            };
            prop_assert_eq!(shown(&all), shown(&asked));
        }
    }
}

/// Reads a text and, where it is a query, evaluates it within tight limits.
fn read(text: &str) {
    let mut options = Options::default();
    options.limits.samples = 100_000;
    match Query::parse(text, &options.limits) {
        Err(error) => {
            assert!(error.start <= error.end, "{error:?}");
            assert!(!error.to_string().is_empty());
            assert!(caret(&error, text).contains('^'));
        }
        Ok(query) => {
            for span in [
                EvaluationTimes::instant(600_000),
                EvaluationTimes::range(0, 600_000, STEP_MS),
            ] {
                // That it has no answer is as right as that it has one.
                let answer = evaluate(&query, span, &a_few_series(), &options);
                if let Ok(Value::Matrix(matrix)) = answer.map(|answer| answer.value) {
                    let samples: usize = matrix.iter().map(|series| series.samples.len()).sum();
                    assert!(samples <= 100_000, "{samples}");
                }
            }
        }
    }
}

fn a_few_series() -> AtHand {
    let points = [Some(1.0), None, Some(f64::NAN), Some(4.0), Some(0.0)];
    let metrics = ["a_total", "b", "c_bucket", "d", "x", "rate"];
    metrics.into_iter().fold(AtHand::default(), |source, metric| {
        source.with(&[("__name__", metric), ("x", "1"), ("le", "1")], 100_000, &points)
    })
}

/// What queries are made of, and some of what they are not.
fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "sum",
        "by",
        "without",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "5m",
        "1h30m",
        "300",
        "0x1F",
        "1e",
        ":",
        ",",
        "\"a\"",
        "'",
        "`",
        "\\",
        "rate",
        "offset",
        "-",
        "+",
        "@",
        "start()",
        "end",
        "and",
        "or",
        "unless",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "==",
        "=~",
        "!~",
        "=",
        "!",
        "^",
        "x",
        "__name__",
        "topk",
        "fill",
        "atan2",
        "#",
        "\n",
        "ä",
        "\u{0}",
        "NaN",
        "inf",
        ".5",
        "5.",
        "1_000",
        "label_replace",
        ";",
        "anchored",
        "step()",
        "limit_ratio",
    ])
}

fn values_at(answer: &QueryResult, time_ms: i64) -> Values {
    match &answer.value {
        Value::Vector(elements) => elements
            .iter()
            .map(|element| (element.labels.clone(), element.sample.value))
            .collect(),
        Value::Matrix(matrix) => matrix
            .iter()
            .filter_map(|series| {
                let mut samples = series.samples.iter();
                let sample = samples.find(|sample| sample.time_ms == time_ms)?;
                Some((series.labels.clone(), sample.value))
            })
            .collect(),
        other => panic!("no vector: {other:?}"),
    }
}

/// Equal but for what rounding may do where values are added in another order.
fn same(left: &Values, right: &Values) -> bool {
    let close = |left: f64, right: f64| {
        left.total_cmp(&right).is_eq()
            || (left.is_nan() && right.is_nan())
            || left == right
            || (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
    };
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((left_labels, left), (right_labels, right))| {
                left_labels == right_labels && close(*left, *right)
            })
}
