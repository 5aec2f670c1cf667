//! What somebody sees of the projects that they may see, whatever happens in the others.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use keirin_api::permission::{Need, TABLE};
use keirin_engine::{Change, Move};
use keirin_model::access::Role;
use keirin_model::{AgentId, BranchId, Outcome, ProjectId, Status};
use keirin_wire::api::{Job, Page, QueueEntry};

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
    let mut answers = BTreeMap::new();
    for (method, path, need) in TABLE {
        let is_for_people = matches!(
            need,
            Need::Open | Need::Anyone | Need::Visible | Need::SignedIn | Need::On(..) | Need::Server(_)
        );
        if *method != "GET" || !is_for_people {
            continue;
        }
        let mut address = path
            .replace("{project}", "seen")
            .replace("{repository}", "seen")
            .replace("{flow}", &seen.flow.id.to_string())
            .replace("{run}", &seen.run.id.to_string())
            .replace("{job}", &seen.jobs[1].id.to_string())
            .replace("{agent}", &seen.agent.to_string())
            .replace("{number}", &seen.flow.number.to_string())
            .replace("{label}", "__name__")
            .replace("{token}", "nothing");
        if let Some((_, query)) = QUERIES.iter().find(|(known, _)| known == path) {
            address = format!("{address}?{query}");
        }
        let response = world.begin(by, Method::GET, &address, Body::empty()).await;
        let kind = response.headers().get("content-type");
        // A stream has no end to wait for.
        if kind.is_some_and(|kind| kind == "text/event-stream") {
            continue;
        }
        let answer = Answer::read(response).await;
        answers.insert(address, format!("{} {}", answer.status, answer.text()));
    }
    answers
}

/// A flow of two jobs, one of which an agent holds while the other waits for one.
async fn work(world: &World, branch: (ProjectId, BranchId), agent: AgentId) -> Running {
    let running = world.running(branch, agent).await;
    let queued = Change::QueueJob {
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
            Change::MoveJob(Move {
                id: jobs[0].id,
                from,
                to,
                at,
            }),
            Change::MoveRun(Move {
                id: run.id,
                from,
                to,
                at,
            }),
            Change::MoveFlow(Move {
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
