//! Lists and views: pages, what is in sight, why jobs wait.

use axum::http::{Method, StatusCode};
use keirin_api::Waiting;
use keirin_model::State;
use keirin_model::access::Role;
use keirin_wire::api::{
    Agent, AgentState, Flow, FlowSummary, Job, JobSummary, Overview, Page, QueueEntry, Run,
};
use serde_json::{Value, json};

use crate::world::{By, World};

#[tokio::test]
async fn a_list_comes_page_by_page_each_entry_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    for _ in 0..5 {
        world.flow(branch, 1).await;
    }
    let mut numbers = Vec::new();
    let mut pages = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/projects/here/flows?limit=2{cursor}");
        let page: Page<FlowSummary> = world.get(&admin, &path).await.json();
        numbers.extend(page.items.iter().map(|flow| flow.number));
        pages += 1;
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(pages, 3);
}

/// Every entry of a list, by pages of two, by what stands under this key.
async fn by_pages(world: &World, by: &By, path: &str, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Page<Value> = world.get(by, &format!("{path}?limit=2{cursor}")).await.json();
        assert!(page.items.len() <= 2);
        let names = page.items.iter().filter_map(|item| item[key].as_str());
        found.extend(names.map(str::to_owned));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn projects_users_tokens_and_agents_come_by_the_page() {
    let world = World::new().await;
    let admin = world.admin().await;
    for name in ["b", "D", "a", "E", "c"] {
        world.project(name, false).await;
        world.user(name, None).await;
        world.agent(name, name).await;
        let made = json!({"kind": "api", "name": name, "project": name});
        world.post(&admin, "/api/v1/tokens", made).await;
    }
    assert_eq!(
        by_pages(&world, &admin, "/api/v1/projects", "name").await,
        ["a", "b", "c", "D", "E"]
    );
    let users = by_pages(&world, &admin, "/api/v1/users", "name").await;
    assert_eq!(users, ["a", "admin", "b", "c", "D", "E"]);
    let agents = by_pages(&world, &admin, "/api/v1/agents", "name").await;
    assert_eq!(agents.len(), 5);
    // The newest first.
    let tokens = by_pages(&world, &admin, "/api/v1/tokens", "name").await;
    assert_eq!(tokens, ["c", "E", "a", "D", "b"]);
}

#[tokio::test]
async fn a_flow_is_shown_with_all_its_parts() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let agent = world.agent("worker", "secret").await;
    let running = world.running(branch, agent).await;
    let waiting = Waiting {
        reason: "All 1 agents that could run it are busy.".to_owned(),
        place: Some(1),
        fix: None,
    };
    world.work.wait(running.jobs[1].id, waiting);

    let flow: Flow = world
        .get(&admin, &format!("/api/v1/flows/{}", running.flow.id))
        .await
        .json();
    assert_eq!(
        (flow.project.as_str(), flow.branch.as_str(), flow.number),
        ("here", "main", 1)
    );
    let run = &flow.runs[0];
    assert_eq!((run.stage.as_str(), run.state), ("stage 0", State::Waiting));
    let [held, queued] = &run.jobs[..] else {
        panic!("two jobs")
    };
    assert_eq!(held.attempts[0].agent, "worker");
    assert_eq!(held.steps[0].tool, "shell");
    assert_eq!(held.steps[0].state, State::Waiting);
    assert_eq!(
        queued.waiting_reason.as_deref(),
        Some("All 1 agents that could run it are busy.")
    );

    let by_number = world.get(&admin, "/api/v1/projects/here/flows/1").await;
    assert_eq!(by_number.json::<Flow>(), flow);
    let run: Run = world
        .get(&admin, &format!("/api/v1/runs/{}", running.run.id))
        .await
        .json();
    assert_eq!(run, flow.runs[0]);
    let job: Job = world
        .get(&admin, &format!("/api/v1/jobs/{}", running.job()))
        .await
        .json();
    assert_eq!(job, run.jobs[0]);
    let agents: Page<Agent> = world.get(&admin, "/api/v1/agents").await.json();
    assert_eq!(
        (agents.items[0].state, agents.items[0].running),
        (AgentState::Online, 1)
    );
    assert_eq!(agents.items[0].jobs[0].id, running.job());
}

#[tokio::test]
async fn one_sees_ones_projects_and_the_public_ones() {
    let world = World::new().await;
    for (name, public) in [("open", true), ("mine", false), ("theirs", false)] {
        let branch = world.project(name, public).await;
        world.flow(branch, 1).await;
    }
    let mine = world.store.place_named("mine").await.unwrap().unwrap().project;
    let user = world.user("mika", None).await;
    world
        .store
        .set_project_role(user, mine, Role::Developer)
        .await
        .unwrap();
    let member = world.browser(user).await;
    let admin = world.admin().await;

    assert_eq!(names(&world, &By::Nobody).await, ["open"]);
    assert_eq!(names(&world, &member).await, ["mine", "open"]);
    assert_eq!(names(&world, &admin).await, ["mine", "open", "theirs"]);
    let narrow = world.token(&admin, Role::Admin, Some("theirs")).await;
    assert_eq!(names(&world, &narrow).await, ["open", "theirs"]);

    let flows: Page<FlowSummary> = world.get(&member, "/api/v1/flows").await.json();
    assert_eq!(flows.items.len(), 2);
    let jobs: Page<JobSummary> = world.get(&By::Nobody, "/api/v1/jobs").await.json();
    assert_eq!(jobs.items.len(), 1);
    let overview: Overview = world.get(&member, "/api/v1/overview").await.json();
    assert_eq!((overview.totals.projects, overview.running.len()), (2, 2));
    assert_eq!(overview.figures.len(), 4);
    assert_eq!(overview.figures[0].value, None, "no data is not zero");
}

#[tokio::test]
async fn with_nothing_public_one_has_to_sign_in() {
    let world = World::new().await;
    world.project("mine", false).await;
    for path in ["/api/v1/projects", "/api/v1/overview", "/api/v1/events"] {
        assert_eq!(
            world.get(&By::Nobody, path).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test]
async fn the_queue_says_why_each_job_waits() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let (_, _, jobs) = world.flow(branch, 2).await;
    let queued = keirin_engine::RowChange::QueueJob {
        lost: 0,
        job: jobs[0].id,
        at: world.clock.now(),
    };
    world.commit(&[queued]).await;
    let waiting = Waiting {
        reason: "No agent has the label `gpu`.".to_owned(),
        place: None,
        fix: Some("Start an agent with it.".to_owned()),
    };
    world.work.wait(jobs[0].id, waiting);
    let queue: Page<QueueEntry> = world.get(&admin, "/api/v1/queue").await.json();
    let [entry] = &queue.items[..] else {
        panic!("one job waits: {queue:?}")
    };
    assert_eq!(entry.reason, "No agent has the label `gpu`.");
    assert_eq!(entry.fix.as_deref(), Some("Start an agent with it."));
    let jobs: Page<JobSummary> = world.get(&admin, "/api/v1/jobs?waiting=true").await.json();
    assert_eq!(
        jobs.items[0].waiting_reason.as_deref(),
        Some("No agent has the label `gpu`.")
    );
}

#[tokio::test]
async fn a_server_that_stands_by_shows_all_but_why_jobs_wait() {
    let world = World::new().await;
    let admin = world.admin().await;
    let branch = world.project("here", false).await;
    let (flow, ..) = world.flow(branch, 1).await;
    world.work.stand_by();
    let shown: Flow = world
        .get(&admin, &format!("/api/v1/flows/{}", flow.id))
        .await
        .json();
    assert_eq!(
        shown.runs[0].jobs[0].waiting_reason.as_deref(),
        Some("Why it waits is not known here. This server stands by.")
    );
    let queue = world.get(&admin, "/api/v1/queue").await;
    assert_eq!(queue.status, StatusCode::OK, "nothing is queued yet");
}

#[tokio::test]
async fn work_is_started_stopped_and_run_again() {
    let world = World::new().await;
    let user = world.user("mika", Some(Role::Developer)).await;
    let mika = world.browser(user).await;
    let branch = world.project("here", false).await;
    let (flow, run, jobs) = world.flow(branch, 1).await;
    world.work.start_gives(flow.id);

    let started = world
        .post(&mika, "/api/v1/projects/here/flows", json!({"branch": "main"}))
        .await;
    assert_eq!(started.status, StatusCode::CREATED);
    assert_eq!(started.header("location"), format!("/api/v1/flows/{}", flow.id));
    assert_eq!(started.json::<Flow>().id, flow.id);
    for (path, body) in [
        (format!("/api/v1/flows/{}/cancel", flow.id), json!(null)),
        (format!("/api/v1/runs/{}/cancel", run.id), json!(null)),
        (format!("/api/v1/jobs/{}/cancel", jobs[0].id), json!(null)),
        (
            format!("/api/v1/flows/{}/rerun", flow.id),
            json!({"failed": true}),
        ),
        (format!("/api/v1/runs/{}/start", run.id), json!(null)),
    ] {
        let answer = world.call(&mika, Method::POST, &path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    }
    let expected = [
        format!("start flow of project {} on main by mika", branch.0),
        format!("cancel Flow({:?})", flow.id),
        format!("cancel Run({:?})", run.id),
        format!("cancel Job({:?})", jobs[0].id),
        format!("rerun flow {}, failed only: true", flow.id),
        format!("start run {}", run.id),
    ];
    assert_eq!(world.work.asked(), expected);
}

#[tokio::test]
async fn a_guarded_stage_takes_the_role_that_it_names() {
    let world = World::new().await;
    let branch = world.project("here", false).await;
    let mut sample = world.sample().await;
    // The third stage of a sample waits for a maintainer.
    let (_, runs, _, changes) = sample.flow_changes(branch, 3, 1);
    world.commit(&changes).await;
    let path = format!("/api/v1/runs/{}/start", runs[2].id);
    let developer = world.user("developer", Some(Role::Developer)).await;
    let developer = world.browser(developer).await;
    assert_eq!(
        world.post(&developer, &path, json!(null)).await.problem().kind,
        "role-needed"
    );
    let maintainer = world.user("maintainer", Some(Role::Maintainer)).await;
    let maintainer = world.browser(maintainer).await;
    assert_eq!(
        world.post(&maintainer, &path, json!(null)).await.status,
        StatusCode::OK
    );
}

async fn names(world: &World, by: &By) -> Vec<String> {
    let page: Page<keirin_wire::api::Project> = world.get(by, "/api/v1/projects").await.json();
    page.items.into_iter().map(|project| project.name).collect()
}
