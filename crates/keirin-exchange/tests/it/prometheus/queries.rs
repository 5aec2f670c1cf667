//! The same samples and the same queries there and here give the same answers.

use jiff::Timestamp;
use keirin_exchange::source::{QueryData, QueryRange, SourceError};
use keirin_promql::{EvaluationTimes, Query};
use keirin_series::query::{Asker, QueryEngine, write_value};
use keirin_series::storage::{Incoming, SampleColumns, Storage};
use keirin_testkit::database;

use super::cases::cases;
use super::compare::{Comparison, compare};

const EVERYBODY: Asker<'static> = Asker {
    account: None,
    sight: None,
};

const CASES: usize = 10;
const QUERIES: usize = 24;
/// Queries that have to have been compared.
const COMPARED: usize = 200;
/// Those of them that have to have an answer with anything in it.
const WITH_POINTS: usize = 150;

#[tokio::test]
#[ignore = "a part of make test-platforms-prometheus"]
async fn two_hundred_queries_have_the_same_answers() {
    let cases = cases(CASES, QUERIES);
    let database = database().await;
    let storage = Storage::new(database.store());
    for case in &cases {
        super::write(&case.series).await;
        let incoming: Vec<_> = case
            .series
            .iter()
            .map(|(labels, samples)| Incoming {
                labels: labels.clone(),
                project: None,
                transform: None,
                bucket_ms: None,
                samples: SampleColumns::new(samples.clone()),
            })
            .collect();
        storage.write(&incoming, &[]).await.unwrap();
    }
    let engine = QueryEngine::new(storage);
    let (mut compared, mut with_points, mut refused, mut left_out) = (0, 0, 0, 0);
    let mut different = Vec::new();
    for (query, span) in cases.iter().flat_map(|case| &case.queries) {
        match compare(here(&engine, query, *span).await, there(query, *span).await) {
            Comparison::Same(points) => {
                compared += 1;
                with_points += usize::from(points > 0);
            }
            Comparison::BothRefuse => {
                compared += 1;
                refused += 1;
            }
            Comparison::OtherSince3 => left_out += 1,
            Comparison::Differ(how) => different.push(format!("{} {span:?}\n  {how}", query.text())),
        }
    }
    println!(
        "{compared} queries compared: {with_points} with points, {refused} refused by both; {left_out} left out"
    );
    assert!(
        different.is_empty(),
        "{} answers differ:\n{}",
        different.len(),
        different.join("\n")
    );
    assert!(compared >= COMPARED, "only {compared} were compared");
    assert!(
        with_points >= WITH_POINTS,
        "only {with_points} had anything in it"
    );
}

/// Our answer, by way of the text in which we would send it.
async fn here(engine: &QueryEngine, query: &Query, span: EvaluationTimes) -> Result<QueryData, String> {
    let now = Timestamp::from_millisecond(span.end_ms).unwrap();
    let answer = engine.evaluate(query.clone(), span, now, EVERYBODY).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let mut json = String::new();
    write_value(&mut json, &answer.value);
    Ok(serde_json::from_str(&json).unwrap())
}

async fn there(query: &Query, span: EvaluationTimes) -> Result<QueryData, SourceError> {
    let source = super::source();
    let answer = if span.is_instant() {
        source.query(query.text(), span.start_ms).await
    } else {
        let range = QueryRange {
            start_ms: span.start_ms,
            end_ms: span.end_ms,
            step_ms: span.step_ms,
        };
        source.query_range(query.text(), range).await
    };
    Ok(answer?.data)
}
