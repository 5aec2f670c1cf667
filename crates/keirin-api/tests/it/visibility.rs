//! What somebody sees of the projects that they may see, whatever happens in the others.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use keirin_api::permission::Need;
use keirin_api::route_table::route_table;
use keirin_engine::{Move, RowChange};
use keirin_model::access::Role;
use keirin_model::{AgentId, BranchId, Outcome, ProjectId, Status};
use keirin_wire::api::{Job, Page, QueueEntry};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::world::{By, Running, World};

/// What the addresses that want more than a path ask for, by path.
const QUERIES: &[(&str, &str)] = &[
    ("/api/v1/explain", "query=theirs"),
    ("/api/v1/facts", "metric=keirin_jobs_total"),
    ("/prometheus/api/v1/query", "query=%7B__name__%3D~%22.%2B%22%7D"),
    (
        "/prometheus/api/v1/query_range",
        "query=theirs&start=0&end=60&step=60",
    ),
    (
        "/prometheus/api/v1/series",
        "match[]=%7B__name__%3D~%22.%2B%22%7D",
    ),
    ("/prometheus/api/v1/format_query", "query=theirs"),
    ("/prometheus/api/v1/parse_query", "query=theirs"),
];

/// Every answer to a reading call that this caller gets about the project that they see, by address.
async fn everything(world: &World, by: &By, seen: &Running) -> BTreeMap<String, String> {
    let ids = [
        ("project", "seen".to_owned()),
        ("repository", "seen".to_owned()),
        ("flow", seen.flow.id.to_string()),
        ("run", seen.run.id.to_string()),
        ("job", seen.jobs[1].id.to_string()),
        ("agent", seen.agent.to_string()),
        ("number", seen.flow.number.to_string()),
        ("dashboard", "exported".to_owned()),
    ];
    let mut answers = BTreeMap::new();
    for path in reading() {
        let mut address = filled(path, &ids);
        if let Some((_, query)) = QUERIES.iter().find(|(known, _)| *known == path) {
            address = format!("{address}?{query}");
        }
        if let Some(answer) = read(world, by, &address).await {
            answers.insert(address, answer);
        }
    }
    answers
}

/// The paths of all reading calls that people make.
fn reading() -> impl Iterator<Item = &'static str> {
    let routes = route_table().all().into_iter().filter(|route| {
        let is_for_people = matches!(
            route.need,
            Need::Open
                | Need::Anyone
                | Need::Visible
                | Need::SignedIn
                | Need::On(..)
                | Need::Server(_)
                | Need::LogSearch
                | Need::Dashboard(_)
        );
        route.method == "GET" && is_for_people
    });
    routes.map(|route| route.path.as_str())
}

/// A path with what its parameters stand for.
fn filled(path: &str, ids: &[(&str, String)]) -> String {
    let known = ids.iter().fold(path.to_owned(), |path, (name, id)| {
        path.replace(&format!("{{{name}}}"), id)
    });
    known.replace("{label}", "__name__").replace("{token}", "nothing")
}

/// The answer to a reading call; none where it is a stream, which has no end to wait for.
async fn read(world: &World, by: &By, address: &str) -> Option<String> {
    let response = world.begin(by, Method::GET, address, Body::empty()).await;
    let kind = response.headers().get("content-type");
    if kind.is_some_and(|kind| kind == "text/event-stream") {
        return None;
    }
    let answer = Answer::read(response).await;
    Some(format!("{} {}", answer.status, answer.text()))
}

/// A flow of two jobs, one of which an agent holds while the other waits for one.
async fn work(world: &World, branch: (ProjectId, BranchId), agent: AgentId) -> Running {
    let running = world.running(branch, agent).await;
    let queued = RowChange::QueueJob {
        lost: 0,
        job: running.jobs[1].id,
        at: world.clock.now(),
    };
    world.commit(&[queued]).await;
    running
}

/// Facts, series and whatever else a project comes to have.
async fn fill(world: &World, project: &str, branch: (ProjectId, BranchId), agent: AgentId) {
    let running = work(world, branch, agent).await;
    let (flow, run, jobs) = world.flow(branch, 1).await;
    let at = world.clock.now();
    let (from, to) = (Status::Waiting, Status::Finished(Outcome::Success));
    world
        .commit(&[
            RowChange::MoveJob(Move {
                id: jobs[0].id,
                from,
                to,
                at,
            }),
            RowChange::MoveRun(Move {
                id: run.id,
                from,
                to,
                at,
            }),
            RowChange::MoveFlow(Move {
                id: flow.id,
                from,
                to,
                at,
            }),
        ])
        .await;
    let path = format!("/metrics/job/theirs?project={project}");
    let admin = world.admin().await;
    let token = world.token(&admin, Role::Developer, Some(project)).await;
    let By::Token(token) = &token else {
        unreachable!("a token was made");
    };
    let pushed = Request::put(path)
        .header("host", "keirin.test")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(
            "# HELP theirs Of theirs alone.\n# TYPE theirs gauge\ntheirs 5\n",
        ));
    let answer = Answer::read(world.send(pushed.unwrap()).await).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let artifact = keirin_store::artifacts::NewArtifact {
        attempt: running.attempt.id,
        path: "theirs.txt",
        size: 1_000_000,
        sha256: [0; 32],
        executable: false,
        object: "artifacts/theirs",
    };
    world.store.keep_artifact(&artifact, at).await.unwrap();
}

#[tokio::test]
async fn what_happens_in_other_projects_moves_nothing_that_one_sees() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (seen, hidden) = (
        world.project("seen", true).await,
        world.project("hidden", false).await,
    );
    let agent = world.agent("shared", "keirin_agent_shared").await;
    let running = work(&world, seen, agent).await;
    let waiting = running.jobs[1].id;
    world.work.wait_behind(waiting, &[seen.0]);
    let member = world.user("member", None).await;
    world
        .store
        .set_project_role(member, seen.0, Role::Viewer)
        .await
        .unwrap();
    let callers = [
        ("a member", world.browser(member).await),
        (
            "an admin's token",
            world.token(&admin, Role::Admin, Some("seen")).await,
        ),
        ("nobody", By::Nobody),
    ];
    let mut before = Vec::new();
    for (_, by) in &callers {
        before.push(everything(&world, by, &running).await);
    }
    fill(&world, "hidden", hidden, agent).await;
    world.work.wait_behind(waiting, &[seen.0, hidden.0]);
    for ((name, by), before) in callers.iter().zip(before) {
        let after = everything(&world, by, &running).await;
        assert!(after.len() > 30, "{after:?}");
        let moved = before
            .iter()
            .filter(|(address, answer)| after.get(*address) != Some(answer));
        let moved: Vec<_> = moved
            .map(|(address, answer)| format!("{address} for {name}: {answer}\n  {:?}", after.get(address)))
            .collect();
        assert!(moved.is_empty(), "{}", moved.join("\n"));
    }
    let queue: Page<QueueEntry> = world.get(&callers[0].1, "/api/v1/queue").await.json();
    assert_eq!(queue.items[0].place, Some(2));
    let job: Job = world.get(&admin, &format!("/api/v1/jobs/{waiting}")).await.json();
    assert_eq!(job.waiting_reason.as_deref(), Some("2 before it."));
    // They were there to be seen.
    world.pass(jiff::SignedDuration::from_mins(1));
    let all = everything(&world, &admin, &running).await;
    for (address, part) in [
        ("/api/v1/overview", "\"waiting_jobs\":2"),
        ("/prometheus/api/v1/metadata", "Of theirs alone."),
        ("/api/v1/facts?metric=keirin_jobs_total", "hidden"),
    ] {
        assert!(all[address].contains(part), "{address}: {}", all[address]);
    }
}

/// A dashboard as an export has it: what its author chose and saw stands in it beside what they wrote.
fn exported() -> Value {
    let choice = json!({ "selected": true, "text": "veiled", "value": "veiled" });
    let panel = json!({
        "type": "stat",
        "title": "$project",
        "targets": [{ "expr": "up{project=\"$project\"}" }, { "queryType": "snapshot", "snapshot": [{ "data": ["veiled"] }] }],
        "scopedVars": { "project": choice },
        "snapshotData": [{ "target": "veiled", "datapoints": [] }],
    });
    json!({
        "uid": "exported",
        "title": "Exported",
        "panels": [panel, { "type": "row", "panels": [panel] }],
        "annotations": { "list": [{ "name": "A", "snapshotData": ["veiled"] }] },
        "templating": { "list": [
            { "name": "project", "type": "query", "query": "label_values(project)", "current": choice, "options": [choice] },
            { "name": "source", "type": "datasource", "query": "prometheus", "current": choice, "options": [choice] },
            { "name": "only", "type": "adhoc", "filters": [{ "key": "project", "operator": "=", "value": "veiled" }] },
            { "name": "size", "type": "custom", "query": "big,small", "current": { "text": "small", "value": "small" },
              "options": [{ "text": "big", "value": "big" }, { "text": "small", "value": "small" }] },
        ] },
        "variables": [{ "kind": "QueryVariable", "spec": { "name": "project", "current": choice, "options": [choice] } }],
    })
}

#[tokio::test]
async fn nothing_tells_whoever_may_not_see_a_project_that_it_is_there() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (seen, veiled) = (
        world.project("seen", true).await,
        world.project("veiled", false).await,
    );
    let agent = world.agent("shared", "keirin_agent_shared").await;
    let running = work(&world, seen, agent).await;
    fill(&world, "veiled", veiled, agent).await;
    let theirs = work(&world, veiled, agent).await;
    let kept = json!({ "dashboard": exported() });
    let kept = world.post(&admin, "/api/v1/dashboards", kept).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    let member = world.user("member", None).await;
    let role = Role::Maintainer;
    world.store.set_project_role(member, seen.0, role).await.unwrap();
    let member = world.browser(member).await;
    let callers = [
        ("a member", member.clone()),
        (
            "an admin's token",
            world.maker(&admin, Role::Admin, Some("seen")).await,
        ),
        ("a member's token", world.maker(&member, role, None).await),
        ("nobody", By::Nobody),
    ];
    let id = |text: &str| text.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let there = [
        ("project", "veiled".to_owned()),
        ("flow", theirs.flow.id.to_string()),
        ("run", theirs.run.id.to_string()),
        ("job", theirs.jobs[0].id.to_string()),
        ("number", theirs.flow.number.to_string()),
    ];
    let absent = [
        ("project", "absent".to_owned()),
        ("flow", id(&theirs.flow.id.to_string())),
        ("run", id(&theirs.run.id.to_string())),
        ("job", id(&theirs.jobs[0].id.to_string())),
        ("number", "999".to_owned()),
    ];
    // What names a project beside its path.
    let more = [
        "/api/v1/flows?project={project}",
        "/api/v1/jobs?project={project}",
        "/api/v1/queue?project={project}",
        "/api/v1/logs/search?regex=a&flow={flow}",
        "/api/v1/logs/search?regex=a&run={run}",
        "/api/v1/logs/search?regex=a&job={job}",
        "/api/v1/facts?metric=keirin_jobs_total&label.project={project}",
        "/api/v1/explain?query=theirs%7Bproject%3D%22{project}%22%7D",
        "/prometheus/api/v1/query?query=theirs%7Bproject%3D%22{project}%22%7D",
        "/prometheus/api/v1/series?match[]=%7Bproject%3D%22{project}%22%7D",
        "/prometheus/api/v1/labels?match[]=%7Bproject%3D%22{project}%22%7D",
        "/prometheus/api/v1/label/job/values?match[]=%7Bproject%3D%22{project}%22%7D",
    ];
    let mut told = Vec::new();
    for (name, by) in &callers {
        for (address, answer) in everything(&world, by, &running).await {
            if answer.contains("veiled") {
                told.push(format!("{address} for {name}: {answer}"));
            }
        }
        for path in reading().chain(more) {
            let asked = |ids| {
                let address = filled(path, ids);
                async { (read(&world, by, &address).await, address) }
            };
            let ((there, address), (absent, _)) = (asked(&there).await, asked(&absent).await);
            let there = there.map(|answer| answer.replace("veiled", "absent"));
            if there != absent {
                told.push(format!("{address} for {name}: {there:?}\n  {absent:?}"));
            }
        }
        for project in ["veiled", "absent"] {
            let wanted = json!({ "kind": "api", "project": project });
            let answer = world.post(by, "/api/v1/tokens", wanted).await;
            let pushed = world
                .post(by, &format!("/write?project={project}"), json!({}))
                .await;
            told.extend([
                format!("a token for {name}: {} {}", answer.status, answer.text()),
                format!("samples for {name}: {} {}", pushed.status, pushed.text()),
            ]);
        }
        let absent = told.split_off(told.len() - 2);
        let there = told.split_off(told.len() - 2);
        told.extend(
            there
                .into_iter()
                .zip(absent)
                .filter(|(there, absent)| there != absent)
                .map(|pair| format!("{pair:?}")),
        );
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    // What the author has written themselves stays, and whoever sees all projects gets all of it.
    let shown: Value = world.get(&By::Nobody, "/api/v1/dashboards/exported").await.json();
    let size = &shown["dashboard"]["templating"]["list"][3];
    assert_eq!(size, &exported()["templating"]["list"][3]);
    let whole: Value = world.get(&admin, "/api/v1/dashboards/exported").await.json();
    assert_eq!(whole["dashboard"], exported());
}
