//! How long the two queries take by which the evaluator is measured: over 1,000 series, 12 hours at 15 s, in steps of
//! 60 s, with the samples at hand; and a few others beside them: `cargo bench -p keirin-promql --bench figures`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and prints")]

use std::time::Instant;

use keirin_model::series::Labels;
use keirin_promql::{
    CompiledMatchers, EvaluationTimes, Options, Query, Samples, Selection, Series, SeriesSource,
    SeriesSourceError, evaluate,
};

const HOURS_MS: i64 = 12 * 60 * 60 * 1000;
const SCRAPE_MS: i64 = 15_000;
const STEP_MS: i64 = 60_000;
const ROUNDS: usize = 9;
const GOAL_MS: f64 = 100.0;

struct Source(Vec<Series>);

impl SeriesSource for Source {
    fn select(&self, selection: &Selection) -> Result<Vec<Series>, SeriesSourceError> {
        let matchers = CompiledMatchers::new(&selection.matchers, 1 << 20)
            .map_err(|error| SeriesSourceError(error.to_string()))?;
        Ok(self
            .0
            .iter()
            .filter(|one| matchers.accept(&one.labels))
            .cloned()
            .collect())
    }
}

/// A counter that rises by about this much at each scrape and begins again a few times.
fn counter(labels: &[(&str, String)], rise: u64, seed: u64) -> Series {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut value = 0_u64;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for time_ms in (0..=HOURS_MS).step_by(usize::try_from(SCRAPE_MS).unwrap_or(1)) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        value = if state.is_multiple_of(1009) {
            0
        } else {
            value + state % (2 * rise + 1)
        };
        times.push(time_ms);
        values.push(value as f64);
    }
    let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
    Series {
        labels: Labels::new(labels).unwrap_or_default(),
        samples: Samples::new(times, values).unwrap_or_default(),
    }
}

fn source() -> Source {
    let plain = (0..1000).map(|index: u64| {
        let labels = [
            ("__name__", "m".to_owned()),
            ("x", format!("x{}", index % 10)),
            ("instance", format!("instance-{index}")),
            ("job", "bench".to_owned()),
        ];
        counter(&labels, 10, index + 1)
    });
    let buckets = (0..1000).map(|index: u64| {
        let bound = index % 10;
        let le = if bound == 9 {
            "+Inf".to_owned()
        } else {
            format!("{}", 0.1 * 2_f64.powf(bound as f64))
        };
        let labels = [
            ("__name__", "b".to_owned()),
            ("le", le),
            ("instance", format!("instance-{}", index / 10)),
            ("job", "bench".to_owned()),
        ];
        counter(&labels, bound + 1, index + 5000)
    });
    Source(plain.chain(buckets).collect())
}

fn main() {
    let options = Options::default();
    let source = source();
    let span = EvaluationTimes::range(0, HOURS_MS, STEP_MS);
    for text in [
        "sum by (x) (rate(m[5m]))",
        "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
        "sum by (x) (m)",
        "max_over_time(m[5m])",
        "m / on (instance) m",
    ] {
        let query = Query::parse(text, &options.limits).expect("a right query");
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let answer = evaluate(&query, span, &source, &options).expect("an answer");
                std::hint::black_box(answer);
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let figure = (times[ROUNDS / 2] * 10.0).round() / 10.0;
        let (unit, met) = ("ms", figure <= GOAL_MS);
        let name = format!("{text} over 1,000 series, 12 h at 15 s, step 60 s, samples at hand");
        let figure =
            serde_json::json!({"name": name, "figure": figure, "unit": unit, "goal": GOAL_MS, "met": met});
        println!("{figure}");
    }
}
