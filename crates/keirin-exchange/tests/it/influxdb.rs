//! A real InfluxDB, which `scripts/platforms/influxdb.sh` starts: what we write is there, and what it takes we take alike.

use std::collections::BTreeMap;

use keirin_exchange::influx_client::{InfluxClient, InfluxTarget};
use keirin_formats::batch::Batch;
use keirin_formats::influx::{LineLimits, Points, Precision, into_samples, read};
use keirin_http::{Endpoint, EndpointSettings, HttpError, RetryPolicy};
use keirin_model::series::{Labels, Sample};
use keirin_testkit::database;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::forward::Sender;
use crate::platform::named;

/// A database of one test's own.
struct Database {
    server: Endpoint,
    name: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    series: Vec<Series>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Series {
    name: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    columns: Vec<String>,
    values: Vec<Vec<Value>>,
}

impl Database {
    async fn new(name: &'static str) -> Self {
        let url: Url = named("KEIRIN_TEST_INFLUXDB").parse().unwrap();
        let settings = EndpointSettings {
            retry: RetryPolicy::NEVER,
            ..EndpointSettings::default()
        };
        let server = Endpoint::new(&url, &settings).unwrap();
        let database = Self { server, name };
        database.ask(&format!("create database {name}")).await;
        database
    }

    fn client(&self, name: &str) -> InfluxClient {
        let target = InfluxTarget::V1 {
            database: name.to_owned(),
            retention_policy: None,
        };
        InfluxClient::new(self.server.base(), &target, &EndpointSettings::default()).unwrap()
    }

    async fn ask(&self, query: &str) -> Vec<Series> {
        let parameters = [("q", query), ("db", self.name), ("epoch", "ms")];
        let mut url = self.server.at("query");
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = self
            .server
            .call(|| self.server.request(Method::POST, url.clone()))
            .await
            .unwrap();
        let answer: Answer = serde_json::from_slice(&answer).unwrap();
        let statement = answer.results.into_iter().next().unwrap();
        assert_eq!(statement.error, None, "{query}");
        statement.series
    }

    /// Whether it takes lines, with times in milliseconds.
    async fn takes(&self, lines: &str) -> bool {
        let mut url = self.server.at("write");
        url.query_pairs_mut()
            .extend_pairs([("db", self.name), ("precision", "ms")]);
        let lines = lines.to_owned();
        let written = self
            .server
            .call(|| self.server.request(Method::POST, url.clone()).body(lines.clone()))
            .await;
        match written {
            Ok(_) => true,
            Err(HttpError::Refused { status: 400, .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Everything that is there: by measurement, tags and field the times and values.
    async fn everything(&self) -> BTreeMap<String, Vec<(i64, Value)>> {
        let mut all = BTreeMap::new();
        for series in self.ask("select * from /.*/ group by *").await {
            for row in &series.values {
                for (column, value) in series.columns.iter().zip(row).skip(1) {
                    if !value.is_null() {
                        let tags = series.tags.iter().filter(|(_, value)| !value.is_empty());
                        let tags: Vec<_> = tags.map(|(name, value)| format!("{name}={value}")).collect();
                        let key = format!("{} {} {column}", series.name, tags.join(" "));
                        let values: &mut Vec<_> = all.entry(key).or_default();
                        values.push((row[0].as_i64().unwrap(), value.clone()));
                    }
                }
            }
        }
        all
    }
}

#[tokio::test]
#[ignore = "a part of make test-platforms-influxdb"]
async fn our_samples_are_there() {
    let database = Database::new("ours").await;
    let labels = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied()).unwrap();
    let strange = labels(&[
        ("__name__", "build seconds, all=of it"),
        ("path", r"C:\new folder, and=more"),
        ("quoted", "\"größe\" 😀"),
    ]);
    let batch = Batch {
        series: vec![
            (
                labels(&[("__name__", "up"), ("job", "node")]),
                vec![
                    Sample::new(1_700_000_000_000, 1.0),
                    Sample::new(1_700_000_000_015, 0.1 + 0.2),
                    Sample::stale(1_700_000_000_030),
                ],
            ),
            (strange, vec![Sample::new(1_700_000_000_001, -1.5e300)]),
            (
                labels(&[("__name__", "plain")]),
                vec![
                    Sample::new(0, f64::NAN),
                    Sample::new(1, f64::INFINITY),
                    Sample::new(2, 5e-324),
                ],
            ),
        ],
        metadata: Vec::new(),
    };
    let client = database.client("ours");
    // Twice is as good as once.
    assert_eq!(client.write(&batch).await, Ok(3));
    assert_eq!(client.write(&batch).await, Ok(3));
    let there = database.everything().await;
    let shown: Vec<_> = there
        .iter()
        .map(|(series, values)| {
            let values: Vec<_> = values
                .iter()
                .map(|(time, value)| (*time, value.as_f64().unwrap()))
                .collect();
            (&**series, values)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "build seconds, all=of it path=C:\\new folder, and=more quoted=\"größe\" 😀 value",
                vec![(1_700_000_000_001, -1.5e300)]
            ),
            ("plain  value", vec![(2, 5e-324)]),
            (
                "up job=node value",
                vec![(1_700_000_000_000, 1.0), (1_700_000_000_015, 0.1 + 0.2)]
            ),
        ]
    );
}

#[tokio::test]
#[ignore = "a part of make test-platforms-influxdb"]
async fn a_database_that_is_not_there_is_an_error_in_its_words() {
    let database = Database::new("here").await;
    let labels = Labels::new([("__name__", "up")]).unwrap();
    let batch = Batch {
        series: vec![(labels, vec![Sample::new(0, 1.0)])],
        metadata: Vec::new(),
    };
    let error = database.client("elsewhere").write(&batch).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("answers 404: {\"error\":\"database not found: \\\"elsewhere\\\"\"}"),
        "{error}"
    );
    // More than one call's worth.
    let many = (0..12_000).map(|time| Sample::new(time, 1.0)).collect();
    let labels = Labels::new([("__name__", "many")]).unwrap();
    let batch = Batch {
        series: vec![(labels, many)],
        metadata: Vec::new(),
    };
    assert_eq!(database.client("here").write(&batch).await, Ok(0));
    let counted = database.ask("select count(value) from many").await;
    assert_eq!(counted[0].values[0][1], 12_000);
}

#[tokio::test]
#[ignore = "a part of make test-platforms-influxdb"]
async fn what_is_new_here_is_there_soon_after() {
    let (database, own) = (Database::new("forwarded").await, database().await);
    let sender = Sender::new(&own);
    let url = named("KEIRIN_TEST_INFLUXDB");
    let forwarder = sender.forwarder(&format!(
        "{{name: influx, url: '{url}', influx: {{v1: {{database: forwarded}}}}}}"
    ));
    forwarder.forward().await.unwrap();
    sender.later(60);
    let first = sender.comes("a", 1.5).await;
    sender.comes("b", f64::NAN).await;
    sender.later(60);
    let second = sender.comes("a", 2.5).await;
    sender.later(60);
    assert!(!forwarder.forward().await.unwrap());
    let there = database.everything().await;
    let expected: Vec<_> = [(first, 1.5), (second, 2.5)]
        .map(|(time, value)| (time.as_millisecond(), Value::from(value)))
        .to_vec();
    assert_eq!(
        there,
        BTreeMap::from([("sent_value job=a value".to_owned(), expected)])
    );
}

/// Lines at the edges of the protocol, that InfluxDB takes or refuses and so do we; what is taken means the same.
const LINES: &[&str] = &[
    "m f=1",
    "m f=1.5 1",
    "m f=-1i 1",
    "m f=1i,g=2.5,h=t 1",
    "m f=T 1",
    "m f=true,g=False,h=FALSE,i=f 1",
    "m f=1e3 1",
    "m f=-.5 1",
    "m f=5. 1",
    "m,a=b f=1 1",
    "m,a=b,c=d f=1 1\nm,c=d,a=b f=2 2",
    r"m,a\ b=c\,d f=1 1",
    r"m\,n\ o,a\=b=c f=1 1",
    r#"m f="text",g=1 1"#,
    "m f=\"two\nlines\",g=1 1",
    r#"m f="a \"b\" c, d=e",g=1 1"#,
    "# a comment\nm f=1 1",
    "\n\nm f=1 1\nm f=2 2\n",
    "m   f=1   1",
    "m f=1 -1",
    "m",
    "m ",
    "m f",
    "m f=",
    "m f=x 1",
    "m f=1x 1",
    "m f=1 x",
    "m f=1 1 1",
    "m,a f=1",
    "m,a= f=1",
    "m,=b f=1",
    ",a=b f=1",
    "m f=1,",
    "m f=\"open 1",
    "m f=9223372036854775808i 1",
    "m f=nan 1",
    "m f=inf 1",
    "m f=1 9223372036854775808",
    "m =1 1",
    "m,a=b,a=c f=1 1",
];

/// What we take and version 1 of InfluxDB does not: signs, and line breaks of another system.
const TAKEN_HERE_ONLY: &[&str] = &["m f=+1 1", "m f=1 1\r\nm f=2 2\r\n"];

#[tokio::test]
#[ignore = "a part of make test-platforms-influxdb"]
async fn what_it_takes_we_take_alike() {
    let mut differences = Vec::new();
    for lines in LINES {
        let database = Database::new("lines").await;
        let theirs = if database.takes(lines).await {
            let there = database.everything().await;
            let mut found = Vec::new();
            for (series, values) in there {
                for (time, value) in values {
                    let number = match &value {
                        Value::Bool(yes) => f64::from(u8::from(*yes)),
                        Value::Number(number) => number.as_f64().unwrap(),
                        _ => continue,
                    };
                    let time = if lines.ends_with("f=1") { 0 } else { time };
                    found.push((series.clone(), time, number.to_bits()));
                }
            }
            Some(found)
        } else {
            None
        };
        database.ask("drop database lines").await;
        let ours = read(lines.as_bytes(), LineLimits::default())
            .map_err(|error| error.to_string())
            .and_then(|read| {
                // Names and tags as they were read, not as PromQL has them.
                let mut found = Vec::new();
                for (_, point) in &read.points {
                    let mut tags = point.tags.clone();
                    tags.sort();
                    let tags: Vec<_> = tags
                        .iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect();
                    for field in &point.fields {
                        let mut one = point.clone();
                        one.fields = vec![field.clone()];
                        one.tags.clear();
                        let series = format!("{} {} {}", point.measurement, tags.join(" "), field.0);
                        let one = Points {
                            points: vec![(1, one)],
                            ..Points::default()
                        };
                        let batch = into_samples(one, Precision::Milliseconds, 0).batch;
                        for sample in batch.series.iter().flat_map(|(_, samples)| samples) {
                            found.push((series.clone(), sample.time_ms, sample.value.to_bits()));
                        }
                    }
                }
                let refused = into_samples(read, Precision::Milliseconds, 0).refused;
                found.sort();
                if refused.is_empty() {
                    Ok(found)
                } else {
                    Err(refused.to_string())
                }
            });
        let theirs = theirs.map(|mut found| {
            found.sort();
            found
        });
        if ours.as_ref().ok() != theirs.as_ref() {
            differences.push(format!("{lines:?}: ours {ours:?}, InfluxDB's {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for lines in TAKEN_HERE_ONLY {
        let read = read(lines.as_bytes(), LineLimits::default()).unwrap();
        assert!(read.refused.is_empty(), "{lines:?}");
        assert!(!Database::new("lines").await.takes(lines).await, "{lines:?}");
    }
}
