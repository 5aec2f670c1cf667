//! Samples that come in by every way, and are there for queries.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use keirin_api::HttpSettings;
use keirin_exchange::exchange::ExchangeSettings;
use keirin_exchange::source::PrometheusSource;
use keirin_formats::batch::Batch;
use keirin_formats::remote_write;
use keirin_model::access::Role;
use keirin_model::series::{Labels, Sample};
use keirin_series::sink::SampleSink as _;

use serde_json::json;

use crate::answer::Answer;
use crate::world::{ADDRESS, By, World};

/// A call with a body that is no JSON.
async fn send(
    world: &World,
    by: &By,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "keirin.test");
    if let By::Token(token) = by {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(world.send(request.body(Body::from(body)).unwrap()).await).await
}

/// What a query gives now: each series with its value.
async fn values(world: &World, by: &By, query: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = world
        .get(by, &format!("/prometheus/api/v1/query?query={query}"))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let result = answer.json::<serde_json::Value>()["data"]["result"].clone();
    let mut values: Vec<_> = result
        .as_array()
        .unwrap()
        .iter()
        .map(|series| {
            let labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
            format!("{labels} {}", series["value"][1].as_str().unwrap())
        })
        .collect();
    values.sort();
    values
}

fn batch(world: &World, series: &[(&[(&str, &str)], f64)]) -> Batch {
    let now_ms = world.clock.now().as_millisecond();
    let series = series.iter().map(|(labels, value)| {
        let labels = Labels::new(labels.iter().copied()).unwrap();
        (labels, vec![Sample::new(now_ms, *value)])
    });
    Batch {
        series: series.collect(),
        metadata: Vec::new(),
    }
}

const REMOTE_WRITE: &[(&str, &str)] = &[
    ("content-type", remote_write::CONTENT_TYPE),
    ("content-encoding", remote_write::CONTENT_ENCODING),
];

async fn admin(world: &World) -> By {
    let browser = world.admin().await;
    world.token(&browser, Role::Admin, None).await
}

#[tokio::test]
async fn what_a_prometheus_writes_can_be_asked_for() {
    let world = World::new().await;
    let by = admin(&world).await;
    let sent = batch(
        &world,
        &[
            (&[("__name__", "up"), ("job", "a")], 1.0),
            (&[("__name__", "up"), ("job", "b")], 0.0),
        ],
    );
    for _ in 0..2 {
        let body = remote_write::encode(&sent);
        let answer = send(
            &world,
            &by,
            "POST",
            "/prometheus/api/v1/write",
            REMOTE_WRITE,
            body,
        )
        .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }
    assert_eq!(
        values(&world, &by, "up").await,
        [r#"up{job="a"} 1"#, r#"up{job="b"} 0"#]
    );
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_with_its_reason() {
    let world = World::new().await;
    let by = admin(&world).await;
    let write = async |body: Vec<u8>, headers: &[(&str, &str)]| {
        send(&world, &by, "POST", "/prometheus/api/v1/write", headers, body).await
    };
    let answer = write(b"no snappy at all".to_vec(), REMOTE_WRITE).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("not compressed with Snappy"),
        "{}",
        answer.text()
    );

    let second = [(
        "content-type",
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    )];
    let answer = write(Vec::new(), &second).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    // One sample is far too old: the other is kept.
    let mut sent = batch(
        &world,
        &[
            (&[("__name__", "age"), ("of", "now")], 1.0),
            (&[("__name__", "age"), ("of", "old")], 1.0),
        ],
    );
    sent.series[1].1[0].time_ms = 1_000;
    let answer = write(remote_write::encode(&sent), REMOTE_WRITE).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("1 of 2 samples was refused"),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("keep_samples_days"), "{}", answer.text());
    assert_eq!(values(&world, &by, "age").await, [r#"age{of="now"} 1"#]);

    // What is made from facts cannot be written over.
    let sent = batch(
        &world,
        &[(&[("__name__", "keirin_flows_total"), ("project", "a")], 1.0)],
    );
    let answer = write(remote_write::encode(&sent), REMOTE_WRITE).await;
    assert!(
        answer.text().contains("made from facts here"),
        "{}",
        answer.text()
    );

    let nobody = send(&world, &By::Nobody, "POST", "/write", &[], b"a value=1".to_vec()).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_build_sends_how_long_it_took_in_influxs_protocol() {
    let world = World::new().await;
    world.project("site", false).await;
    let browser = world.admin().await;
    let by = world.token(&browser, Role::Developer, Some("site")).await;
    let now_s = world.clock.now().as_second();
    let line = format!("build,part=docs seconds=5.25,failed=false {now_s}\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(line.as_bytes()).unwrap();
    let headers = [("content-encoding", "gzip")];
    let answer = send(
        &world,
        &by,
        "POST",
        "/write?precision=s",
        &headers,
        packed.finish().unwrap(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    // The token is the project's, so the samples are.
    assert_eq!(
        values(&world, &by, "{part=\"docs\"}").await,
        [
            r#"build_failed{part="docs", project="site"} 0"#,
            r#"build_seconds{part="docs", project="site"} 5.25"#
        ]
    );
    let stranger = world.user("stranger", None).await;
    world.project("other", false).await;
    let other = world.store.place_named("other").await.unwrap().unwrap().project;
    world
        .store
        .set_project_role(stranger, other, Role::Admin)
        .await
        .unwrap();
    let stranger = world.browser(stranger).await;
    assert!(values(&world, &stranger, "build_seconds").await.is_empty());

    let answer = send(
        &world,
        &by,
        "POST",
        "/write",
        &[],
        b"build seconds=1\nbuild seconds\n".to_vec(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("line 2"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_pushed_holds_until_it_is_deleted() {
    let world = World::new().await;
    let by = admin(&world).await;
    let path = "/metrics/job/backup/instance/a";
    let text = b"# TYPE size gauge\nsize 5\ntook 3\n".to_vec();
    let answer = send(&world, &by, "PUT", path, &[], text).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(
        values(&world, &by, "size").await,
        [r#"size{instance="a", job="backup"} 5"#]
    );

    // An hour later it is said again, so it holds still.
    world.pass(jiff::SignedDuration::from_hours(1));
    assert!(values(&world, &by, "size").await.is_empty());
    world.exchange.groups().refresh_pushed_groups().await.unwrap();
    assert_eq!(
        values(&world, &by, "size").await,
        [r#"size{instance="a", job="backup"} 5"#]
    );

    world.pass(jiff::SignedDuration::from_secs(1));
    let answer = send(&world, &by, "POST", path, &[], b"size 6 1000\n".to_vec()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        values(&world, &by, "push_failure_time_seconds > 0").await.len(),
        1
    );

    world.pass(jiff::SignedDuration::from_secs(1));
    let answer = world
        .call(&by, Method::DELETE, path, serde_json::Value::Null)
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert!(values(&world, &by, "{job=\"backup\"}").await.is_empty());
    world.pass(jiff::SignedDuration::from_secs(1));
    world.exchange.groups().refresh_pushed_groups().await.unwrap();
    assert!(values(&world, &by, "{job=\"backup\"}").await.is_empty());
}

#[tokio::test]
async fn whoever_scrapes_the_server_is_told_how_it_does() {
    let world = World::new().await;
    let by = admin(&world).await;
    world.project("site", false).await;
    let text = world.get(&by, "/metrics").await;
    assert_eq!(text.status, StatusCode::OK);
    assert!(
        text.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(
        text.text()
            .contains("# TYPE keirin_projects gauge\nkeirin_projects 1\n"),
        "{}",
        text.text()
    );

    let accept = [(
        "accept",
        "application/openmetrics-text; version=1.0.0, text/plain; q=0.5",
    )];
    let open = send(&world, &by, "GET", "/metrics", &accept, Vec::new()).await;
    assert!(
        open.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(open.text().ends_with("# EOF\n"));

    let nobody = world.get(&By::Nobody, "/metrics").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

/// The series of `good_first` and `good_last` are kept, whatever comes between them, and the answer names what is not.
#[tokio::test]
async fn one_bad_item_is_lost_alone_by_every_way_in() {
    let world = World::new().await;
    let by = admin(&world).await;
    let now_ms = world.clock.now().as_millisecond();
    let labels = |name: &str| Labels::new([("__name__", name)]).unwrap();
    let many = (0..100).map(|number| (format!("label_{number:03}"), "x".to_owned()));
    let many = Labels::new(many.chain([("__name__".to_owned(), "bad".to_owned())])).unwrap();
    let nameless = Labels::new([("a", "1")]).unwrap();
    // Each call is made an hour after the one before.
    let remote_write = |bad: Labels, hours: i64| {
        let samples = || vec![Sample::new(now_ms + hours * 3_600_000, 1.0)];
        let series = [labels("good_first"), bad, labels("good_last")].map(|labels| (labels, samples()));
        remote_write::encode(&Batch {
            series: series.into(),
            metadata: Vec::new(),
        })
    };
    let prometheus = "/prometheus/api/v1/write";
    let pushed = "/metrics/job/one_bad";
    for (way, reason, headers, path, body) in [
        (
            "line_protocol",
            "line 2 has no fields",
            &[][..],
            "/write",
            b"good_first value=1\nbad\ngood_last value=1\n".to_vec(),
        ),
        (
            "line_protocol",
            "line 2 has the tag `t` twice",
            &[],
            "/write",
            b"good_first value=1\nbad,t=1,t=2 f=1\ngood_last value=1".to_vec(),
        ),
        (
            "remote_write",
            "has 101 labels, and may have 64",
            REMOTE_WRITE,
            prometheus,
            remote_write(many, 3),
        ),
        (
            "remote_write",
            "has no metric's name",
            REMOTE_WRITE,
            prometheus,
            remote_write(nameless, 4),
        ),
        (
            "push",
            "line 2 has a value that is no number",
            &[],
            pushed,
            b"good_first 1\nbad one\ngood_last 1\n".to_vec(),
        ),
        (
            "push",
            "has a time; leave it out",
            &[],
            pushed,
            b"good_first 1\nbad 1 1000\ngood_last 1\n".to_vec(),
        ),
    ] {
        let counted = format!("keirin_samples_refused_total{{reason=\"unreadable\",way=\"{way}\"}} ");
        let count = async || {
            let text = world.get(&by, "/metrics").await.text();
            let line = text.lines().find_map(|line| line.strip_prefix(&counted));
            line.map_or(0, |count| count.parse::<u64>().unwrap())
        };
        let before = count().await;
        world.pass(jiff::SignedDuration::from_hours(1));
        let answer = send(&world, &by, "POST", path, headers, body).await;
        let text = answer.text();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
        assert!(
            text.contains("1 of 3 samples was refused") && text.contains(reason),
            "{text}"
        );
        let kept = values(&world, &by, "{__name__=~\"good_.*|bad.*\"}").await;
        let names: Vec<_> = kept
            .iter()
            .map(|one| one.split(['{', ' ']).next().unwrap())
            .collect();
        assert_eq!(names, ["good_first", "good_last"], "{reason}");
        assert_eq!(count().await, before + 1, "{reason}");
    }
}

#[tokio::test]
async fn a_comment_that_describes_nothing_is_passed_over() {
    let world = World::new().await;
    let by = admin(&world).await;
    let text = b"# HELP\n# TYPE a gauge\na 1\n".to_vec();
    let answer = send(&world, &by, "POST", "/metrics/job/helpless", &[], text).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
}

#[tokio::test]
async fn a_token_may_come_as_a_password() {
    let world = World::new().await;
    let By::Token(token) = admin(&world).await else {
        panic!("a token")
    };
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("anybody:{token}"));
    for authorization in [format!("Basic {basic}"), format!("Token {token}")] {
        let headers = [("authorization", authorization.as_str())];
        let answer = send(
            &world,
            &By::Nobody,
            "POST",
            "/write",
            &headers,
            b"a value=1".to_vec(),
        )
        .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }
}

#[tokio::test]
async fn the_series_of_a_project_have_a_limit() {
    let world = World::new().await;
    world.project("site", false).await;
    let site = world.store.place_named("site").await.unwrap().unwrap();
    let limits = keirin_series::storage::IntakeLimits {
        series: 2,
        ..Default::default()
    };
    let clock = world.clock.clone();
    let intake = keirin_series::storage::Intake::new(
        keirin_series::storage::Storage::new(world.store.clone()),
        limits,
        std::sync::Arc::new(move || clock.now()),
    )
    .of(Some(keirin_series::storage::ForProject {
        id: site.project,
        name: site.name,
    }));
    let three = batch(
        &world,
        &[
            (&[("__name__", "a")], 1.0),
            (&[("__name__", "b")], 1.0),
            (&[("__name__", "c")], 1.0),
        ],
    );
    let refused = intake.write(three.into()).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "1 of 3 samples was refused: `c{project=\"site\"}` would be one series more than the project site may have, 2 \
         (`series_limit`); send fewer labels, or raise the limit"
    );
    // Those that are there go on.
    let again = batch(&world, &[(&[("__name__", "a")], 2.0)]);
    intake.write(again.into()).await.unwrap();
    let by = admin(&world).await;
    assert_eq!(values(&world, &by, "a").await, [r#"a{project="site"} 2"#]);
}

#[tokio::test]
async fn another_server_answers_a_query_that_names_it() {
    // The other one is a Keirin too, which answers as a Prometheus does.
    let other = World::new().await;
    let By::Token(token) = admin(&other).await else {
        panic!("a token")
    };
    let by = By::Token(token.clone());
    let line = b"temperature,room=a value=21.5".to_vec();
    let sent = send(&other, &by, "POST", "/write", &[], line).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{}", sent.text());
    let url = other.listen().await;
    let source = |name: &str, url: &str| {
        let settings = json!({
            "name": name, "url": url, "sign_in": { "bearer": { "token": token } },
            "retry": { "attempts": 1 },
        });
        PrometheusSource::new(serde_json::from_value(settings).unwrap()).unwrap()
    };
    let gone = "http://127.0.0.1:9";
    let sources = vec![source("other", &format!("{url}prometheus")), source("gone", gone)];
    let world = World::exchanging(
        HttpSettings::at(ADDRESS.parse().unwrap()),
        ExchangeSettings {
            sources,
            ..ExchangeSettings::default()
        },
    )
    .await;
    let by = admin(&world).await;

    let now = world.clock.now().as_second();
    let ask = async |path: &str| {
        let answer = world.get(&by, &format!("/prometheus/api/v1/{path}")).await;
        let body = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap();
        (answer.status, body)
    };
    let (status, answer) = ask("query?query=temperature&source=other").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["data"]["result"][0]["value"][1], "21.5", "{answer}");
    let range = format!(
        "query_range?query=temperature&source=other&start={}&end={now}&step=1",
        now - 2
    );
    let (_, answer) = ask(&range).await;
    assert_eq!(answer["data"]["result"][0]["metric"]["room"], "a", "{answer}");
    let (_, answer) = ask("label/room/values?source=other").await;
    assert_eq!(answer["data"], json!(["a"]), "{answer}");
    let (_, answer) = ask("series?match[]=temperature&source=other").await;
    assert_eq!(answer["data"][0]["__name__"], "temperature", "{answer}");
    // This server itself has nothing of the kind.
    let (_, answer) = ask("query?query=temperature&source=keirin").await;
    assert_eq!(answer["data"]["result"], json!([]), "{answer}");

    let (status, answer) = ask("query?query=sum(&source=other").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(answer["errorType"], "bad_data");
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("other refuses the query"),
        "{answer}"
    );
    let (status, answer) = ask("query?query=up&source=gone").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("gone cannot be asked"),
        "{answer}"
    );
    let (status, answer) = ask("query?query=up&source=nobody").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"].as_str().unwrap().contains("keirin, gone, other"),
        "{answer}"
    );

    let listed: serde_json::Value = world.get(&by, "/api/v1/sources").await.json();
    let states: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| {
            (
                source["name"].as_str().unwrap(),
                source["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(states, [("keirin", "ok"), ("gone", "failed"), ("other", "ok")]);

    // What lies elsewhere is not for those who see one project alone.
    world.project("site", false).await;
    let browser = world.admin().await;
    let narrow = world.token(&browser, Role::Admin, Some("site")).await;
    let answer = world
        .get(&narrow, "/prometheus/api/v1/query?query=up&source=other")
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
}
