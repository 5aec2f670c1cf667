//! Series for the tests, and asking about them.

use keirin_model::series::{Labels, Sample};
use keirin_promql::{
    CompiledMatchers, EvaluateError, EvaluationTimes, Options, Query, QueryResult, Samples, Selection,
    Series, SeriesSource, SeriesSourceError, SyntaxError, Value, evaluate,
};

/// Series at hand. It hands out all samples that it has, or only those that were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct AtHand {
    pub(crate) series: Vec<Series>,
    pub(crate) only_asked: bool,
}

impl AtHand {
    /// Adds a series; the points are a step apart from 0 on, and `None` is no point.
    pub(crate) fn with(mut self, labels: &[(&str, &str)], step_ms: i64, points: &[Option<f64>]) -> Self {
        let times = (0..).map(|index: i64| index * step_ms);
        let samples = times.zip(points);
        let samples: Vec<(i64, f64)> = samples
            .filter_map(|(time_ms, value)| value.map(|value| (time_ms, value)))
            .collect();
        self.series.push(series(labels, &samples));
        self
    }
}

pub(crate) fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Series {
    let (times, values) = samples.iter().copied().unzip();
    Series {
        labels: Labels::new(labels.iter().copied()).expect("each label once"),
        samples: Samples::new(times, values).expect("rising times"),
    }
}

impl SeriesSource for AtHand {
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        let matchers = CompiledMatchers::new(&selection.matchers, 1 << 20)
            .map_err(|error| SeriesSourceError(error.to_string()))?;
        let matching = self
            .series
            .iter()
            .filter(|series| matchers.accept(&series.labels));
        let asked =
            |sample: &Sample| sample.time_ms > selection.from_ms && sample.time_ms <= selection.until_ms;
        let handed_out = |series: &Series| Series {
            labels: series.labels.clone(),
            samples: series
                .samples
                .iter()
                .filter(|sample| !self.only_asked || asked(sample))
                .collect(),
        };
        Ok(matching.map(handed_out).collect())
    }
}

pub(crate) fn query(text: &str) -> Query {
    match Query::parse(text, &Options::default().limits) {
        Ok(query) => query,
        Err(error) => panic!("{error}\n{}", caret(&error, text)),
    }
}

/// The line of a query in which an error begins, and below it carets under the fault.
pub(crate) fn caret(error: &SyntaxError, query: &str) -> String {
    let from = query.floor_char_boundary(error.start);
    let line_start = query[..from].rfind('\n').map_or(0, |at| at + 1);
    let line = query[line_start..].lines().next().unwrap_or_default();
    let before = query[line_start..from].chars();
    // A tab stays a tab, so that the carets stand below what they mean.
    let indent: String = before
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    let until = query.ceil_char_boundary(error.end).min(line_start + line.len());
    let wide = query.get(from..until).unwrap_or_default().chars().count();
    format!("{line}\n{indent}{}", "^".repeat(wide.max(1)))
}

pub(crate) fn ask(source: &AtHand, text: &str, span: EvaluationTimes) -> Result<QueryResult, EvaluateError> {
    evaluate(&query(text), span, source, &Options::default())
}

/// The series of a vector with their values.
pub(crate) fn vector(source: &AtHand, text: &str, time_ms: i64) -> Vec<(String, f64)> {
    match ask(source, text, EvaluationTimes::instant(time_ms))
        .expect("an answer")
        .value
    {
        Value::Vector(elements) => elements
            .into_iter()
            .map(|element| (element.labels.to_string(), element.sample.value))
            .collect(),
        other => panic!("no vector: {other:?}"),
    }
}

/// The one value of a vector, if it has any.
pub(crate) fn value(source: &AtHand, text: &str, time_ms: i64) -> Option<f64> {
    let vector = vector(source, text, time_ms);
    assert!(vector.len() < 2, "{vector:?}");
    vector.first().map(|(_, value)| *value)
}
