//! Programs that know a Prometheus, against a running Keirin.

use std::process::{Command, Output};

use keirin_testkit::promtool;
use url::Url;

use crate::whole_program::server::Server;
use crate::whole_program::world::{World, keirin};

const ASK: &str = include_str!("clients.py");

/// A server with two samples of a minute ago, and the token of whoever sits at its machine.
fn served() -> (Server, World, Url, String) {
    let world = World::new();
    let server = Server::spawn(&world, "127.0.0.1:0");
    let url = server.ready();
    let local = std::fs::read(world.data().join("local.json")).unwrap();
    let local: serde_json::Value = serde_json::from_slice(&local).unwrap();
    let token = local["token"].as_str().unwrap().to_owned();
    for (part, value) in [("docs", "12.5"), ("site", "7.5")] {
        let label = format!("part={part}");
        let pushed = keirin()
            // Clients ask for whole seconds, which a sample of now is too new for.
            .args(["push", "build_seconds", value, "--label", &label, "--time", "1m"])
            .env("KEIRIN_URL", url.as_str())
            .env("KEIRIN_TOKEN", &token)
            .current_dir(world.path())
            .output()
            .unwrap();
        assert!(pushed.status.success(), "{}", said(&pushed));
    }
    (server, world, url, token)
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
#[ignore = "a part of make test-platforms-prometheus-api-client"]
fn a_python_library_asks_what_it_asks_a_prometheus() {
    let (_server, _world, url, token) = served();
    let python = std::env::var("KEIRIN_TEST_PYTHON").expect("KEIRIN_TEST_PYTHON names a Python");
    let prometheus = format!("{url}prometheus");
    let asked = Command::new(python)
        .args(["-c", ASK, &prometheus, &token, "build_seconds"])
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", said(&asked));
}

#[tokio::test]
#[ignore = "a part of make test-platforms-prometheus"]
async fn promtool_asks_and_finds_nothing_wrong_with_what_is_exposed() {
    let (_server, _world, url, token) = served();
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    let prometheus = format!("{url}prometheus");
    let query = "sum by (part) (build_seconds)";
    let told = promtool::query_instant(&prometheus, Some(&token), query, now).expect("promtool");
    assert!(
        told.success && told.text.contains(r#"{part="docs"} => 12.5"#),
        "{told:?}"
    );

    // The one that there is may be somebody else's.
    keirin_http::install_tls();
    let exposed = reqwest::Client::new()
        .get(url.join("metrics").unwrap())
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(exposed.contains("keirin_build_info"), "{exposed}");
    let checked = promtool::check_metrics(&exposed).expect("promtool");
    assert!(checked.success, "{}\n{exposed}", checked.text);
}
