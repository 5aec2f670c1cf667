//! What every route answers is of a type that the OpenAPI document names, whatever is wrong with the call.

use axum::body::{Body, Bytes};
use axum::http::Request;
use keirin_api::permission::Need;
use keirin_api::route_table::{Route, route_table};
use keirin_model::access::Role;
use serde_json::Value;

use crate::world::{By, Running, World};

/// Larger than any route takes that reads a body at once, the reports of tests aside.
const LARGE: usize = 17 * 1024 * 1024;

/// What may be wrong with a call.
struct Wrong {
    what: &'static str,
    query: &'static str,
    id: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Bytes,
    is_known: bool,
}

fn wrongs() -> Vec<Wrong> {
    let json: &[_] = &[("content-type", "application/json")];
    let right = || Wrong {
        what: "nothing",
        query: "",
        id: "1",
        headers: json,
        body: Bytes::from_static(b"{}"),
        is_known: true,
    };
    vec![
        right(),
        Wrong {
            what: "nobody calls",
            is_known: false,
            ..right()
        },
        Wrong {
            what: "the id is none",
            id: "x%00y",
            ..right()
        },
        Wrong {
            what: "the body is cut off",
            body: Bytes::from_static(b"{"),
            ..right()
        },
        Wrong {
            what: "the body is no text",
            body: Bytes::from_static(b"\xff\xfe"),
            ..right()
        },
        Wrong {
            what: "the body is too large",
            body: vec![b' '; LARGE].into(),
            ..right()
        },
        Wrong {
            what: "the type is another",
            headers: &[("content-type", "text/plain")],
            ..right()
        },
        Wrong {
            what: "there is no type",
            headers: &[],
            ..right()
        },
        Wrong {
            what: "the query is none",
            query: "cursor=%00&limit=x&query=)&match[]=)&state=done&time=x&start=x&end=y&step=z&from=x&regex=(",
            ..right()
        },
        Wrong {
            what: "it is not compressed as it says",
            headers: &[("content-type", "application/json"), ("content-encoding", "gzip")],
            ..right()
        },
        Wrong {
            what: "nobody compresses so",
            headers: &[("content-type", "application/json"), ("content-encoding", "zip")],
            ..right()
        },
    ]
}

#[tokio::test]
async fn every_answer_is_of_a_type_that_the_document_names() {
    let world = World::new().await;
    let branch = world.project("walked", false).await;
    let agent = world.agent("walker", "keirin_agent_walker").await;
    let running = world.running(branch, agent).await;
    let admin = world.admin().await;
    let admin = world.maker(&admin, Role::Admin, None).await;
    let document: Value = serde_json::from_str(&keirin_api::document_text().unwrap()).unwrap();
    let mut faults = Vec::new();
    let mut seen = 0;
    for Route {
        method, path, need, ..
    } in route_table().all()
    {
        let operation = &document["paths"][path.replace("{*", "{")][method.to_lowercase()];
        if operation.is_null() {
            continue;
        }
        for wrong in wrongs() {
            let by = match need {
                Need::Agent => By::Token("keirin_agent_walker".to_owned()),
                Need::JobToken | Need::LiveJob | Need::Mirror => {
                    By::Token(world.keys.job_token(running.attempt.id))
                }
                _ => admin.clone(),
            };
            let by = if wrong.is_known { by } else { By::Nobody };
            let (status, kind) = ask(&world, &running, &by, method, path, &wrong).await;
            seen += 1;
            let responses = &operation["responses"];
            let response = responses.get(&status).unwrap_or(&responses["default"]);
            let named = response.get("content").and_then(Value::as_object);
            let is_named = match named {
                None => kind.is_empty(),
                Some(content) => content.keys().any(|named| named.split(';').next() == Some(&kind)),
            };
            if !is_named {
                faults.push(format!("{method} {path}: {}: {status} as `{kind}`", wrong.what));
            }
        }
    }
    assert!(seen > 500, "{seen} calls");
    assert!(faults.is_empty(), "{faults:#?}");
}

async fn ask(
    world: &World,
    running: &Running,
    by: &By,
    method: &str,
    path: &str,
    wrong: &Wrong,
) -> (String, String) {
    let is_right = wrong.id == "1";
    let attempt = running.attempt.id.to_string();
    let flow = running.flow.id.to_string();
    // The project is needed by the calls that follow, so another is removed, which is not there.
    let removes = path == "/api/v1/projects/{project}" && method == "DELETE";
    let project = if removes { "gone" } else { "walked" };
    let address = path
        .replace("{project}", if is_right { project } else { wrong.id })
        .replace("{attempt}", if is_right { &attempt } else { wrong.id })
        .replace("{flow}", if is_right { &flow } else { wrong.id })
        .replace("{*group}", "job/walk")
        // Not there, so that what the next calls need is not removed.
        .replace("{token}", if is_right { "999999" } else { wrong.id });
    let parts: Vec<&str> = address
        .split('/')
        .map(|part| if part.starts_with('{') { wrong.id } else { part })
        .collect();
    let address = format!("{}?{}", parts.join("/"), wrong.query);
    let mut request = Request::builder()
        .method(method)
        .uri(address)
        .header("host", "keirin.test");
    for (name, value) in wrong.headers {
        request = request.header(*name, *value);
    }
    if let By::Token(token) = by {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = world
        .send(request.body(Body::from(wrong.body.clone())).unwrap())
        .await;
    let kind = response.headers().get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    (response.status().as_str().to_owned(), kind)
}
