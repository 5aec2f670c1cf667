//! Random series and queries that have one right answer in Prometheus 2.42 and 3 alike.

use keirin_model::series::{Labels, Sample};
use keirin_promql::{EvaluationTimes, Options, Query, ValueType};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::EPOCH_MS;
use super::expressions::{Kinds, anything, so_many_series};

/// From the samples of one case to those of the next: no query reaches from one into the other.
const APART_MS: i64 = 24 * 60 * 60 * 1000;

/// Series and what is asked about them.
pub(super) struct Case {
    pub(super) series: Vec<(Labels, Vec<Sample>)>,
    pub(super) queries: Vec<(Query, EvaluationTimes)>,
}

/// So many cases with so many queries each, always the same.
pub(super) fn cases(count: usize, queries: usize) -> Vec<Case> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    (0..count)
        .map(|number| {
            let begin_ms = EPOCH_MS + APART_MS * i64::try_from(number).expect("few cases");
            case(&mut runner, begin_ms, queries)
        })
        .collect()
}

/// Ranges are closed on the left in 2.42 and open in 3, so nothing may lie on such an edge. The times of samples end in 7
/// ms; those of queries, and of `@`, end in 1 and 3, and all that is subtracted from them in 0 or 9. The steps of
/// subqueries lie at whole seconds, and their ranges begin between seconds.
fn case(runner: &mut TestRunner, begin_ms: i64, queries: usize) -> Case {
    let kinds = Kinds {
        context: true,
        newest: false,
        origin_ms: begin_ms + 123,
    };
    let spans = [
        EvaluationTimes::instant(begin_ms + 600_321),
        EvaluationTimes::range(begin_ms + 321, begin_ms + 1_500_321, 70_000),
    ];
    let series = drawn(runner, &so_many_series(12..24)).into_iter().map(|series| {
        let samples = series.samples.iter().collect::<Vec<_>>();
        (
            series.labels.clone(),
            as_asked(&series.labels, &samples, begin_ms),
        )
    });
    let series = series.filter(|(_, samples)| !samples.is_empty()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < queries {
        let text = drawn(runner, &anything(kinds));
        let query = Query::parse(&text, &Options::default().limits).expect("it is PromQL");
        let columns =
            matches!(query.value_type(), ValueType::Vector | ValueType::Scalar) && is_alike_along(&text);
        let span = spans[usize::from(columns && chosen.len() % 2 == 1)];
        if is_alike(&text) {
            chosen.push((query, span));
        }
    }
    Case {
        series,
        queries: chosen,
    }
}

fn drawn<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).expect("nothing is filtered").current()
}

/// The samples moved to where this case is, without what is no finite number, of which 3 computes other deviations.
/// Counters rise, far from zero: where they began is guessed in another way since 3.
fn as_asked(labels: &Labels, samples: &[Sample], begin_ms: i64) -> Vec<Sample> {
    let counts = labels.metric() == "a_total" || labels.metric() == "c_bucket";
    let mut total = 1000.0;
    let mut moved: Vec<Sample> = Vec::new();
    for sample in samples {
        let time_ms = begin_ms + sample.time_ms / 10 * 10 + 7;
        if moved.last().is_some_and(|last| last.time_ms == time_ms) {
            continue;
        }
        if sample.is_stale() {
            moved.push(Sample::stale(time_ms));
        } else if sample.value.is_finite() {
            total += sample.value.abs();
            let value = if counts { total } else { sample.value };
            moved.push(Sample::new(time_ms, value));
        }
    }
    moved
}

/// Whether both have to give the same at one time.
fn is_alike(text: &str) -> bool {
    // The steps of a subquery within another one may lie on the left edge of its range.
    let subqueries = text.matches(':').count();
    let along = subqueries == 0 || is_alike_along(text);
    // 2.42 adds without minding what rounding loses, which the label with the value shows.
    let rounded = text.contains("count_values") && (text.contains("avg") || text.contains("stddev"));
    // The parts of a time that is no number are another on each kind of processor.
    let undefined = text.contains("hour(") || text.contains("day_of_year(");
    subqueries < 2 && along && !rounded && !undefined && !takes_rate_of_others(text)
}

/// Whether a rate is taken of what is no counter far from zero.
fn takes_rate_of_others(text: &str) -> bool {
    ["rate(", "increase("].iter().any(|call| {
        text.match_indices(call).any(|(place, _)| {
            let argument = &text[place + call.len()..];
            let is_irate = *call == "rate(" && text[..place].ends_with('i');
            !is_irate && !argument.starts_with("a_total") && !argument.starts_with("c_bucket")
        })
    })
}

/// Whether both have to give the same at each of many times. 2.42 takes parameters from the first step for all others,
/// and loses samples behind `@` where a function looks at the time by itself.
fn is_alike_along(text: &str) -> bool {
    !["quantile", "predict_linear(", "timestamp("]
        .iter()
        .any(|word| text.contains(word))
}
