//! The typed client and the server understand each other, over a real connection.

use std::net::SocketAddr;

use keirin_api::EventEnvelope;
use keirin_client::{
    AgentClient, Client, ClientError, Connection, FlowQuery, LogLinesQuery, LogSearchQuery, News,
};
use keirin_model::State;
use keirin_model::access::Role;
use keirin_wire::agent::{AttemptEvent, Numbered, PROTOCOL, Register, Report};
use keirin_wire::api::{CreateProject, Event, EventKind, IdentityKind, SignIn, StartFlow};
use keirin_wire::log::{ChunkBuilder, Effort, LineTag, Stream};
use serde_json::json;

use crate::world::{Running, World};

#[tokio::test]
async fn the_command_lines_calls_are_answered() {
    let served = Served::new().await;
    let client = served.admin().await;
    let world = &served.world;
    client.ready().await.unwrap();
    let me = client.me().await.unwrap();
    assert_eq!((me.kind, me.role), (IdentityKind::Token, Some(Role::Admin)));

    let wanted = CreateProject {
        name: "here".to_owned(),
        repository: "https://example.org/here.git".to_owned(),
        workflow_file: None,
        public: false,
        credential: None,
    };
    let project = client.create_project(&wanted).await.unwrap();
    assert_eq!(client.project("here").await.unwrap().id, project.id);
    let branch = client.branches("here").await.unwrap().items.remove(0);
    let agent = world.agent("worker", "keirin_agent_worker").await;
    let running = world.running((project.id, branch.id), agent).await;
    world.work.start_gives(running.flow.id);
    let flow = client.start_flow("here", &StartFlow::default()).await.unwrap();
    assert_eq!(flow.id, running.flow.id);
    let which = FlowQuery {
        state: Some(State::Waiting),
        ..FlowQuery::default()
    };
    assert_eq!(client.flows(Some("here"), &which).await.unwrap().items.len(), 1);
    assert_eq!(client.cancel_flow(flow.id).await.unwrap().id, flow.id);
    assert_eq!(client.job(running.job()).await.unwrap().id, running.job());
    assert_eq!(client.agents().await.unwrap().items[0].name, "worker");
    assert_eq!(client.overview().await.unwrap().totals.projects, 1);
}

#[tokio::test]
async fn a_name_and_a_password_become_a_token() {
    let served = Served::new().await;
    let admin = served.world.admin().await;
    let wanted = json!({"name": "mika", "role": "developer", "password": "a long password"});
    served.world.post(&admin, "/api/v1/users", wanted).await;
    let nobody = Client::new(served.connection.clone(), None);
    let sign_in = SignIn {
        name: "mika".to_owned(),
        password: "a long password".to_owned(),
    };
    let token = nobody.token_by_password(&sign_in, "command line").await.unwrap();
    let client = Client::new(served.connection.clone(), Some(token.token));
    assert_eq!(client.me().await.unwrap().name.as_deref(), Some("mika"));
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let served = Served::new().await;
    let nobody = Client::new(served.connection.clone(), None);
    let refused = nobody.agents().await.unwrap_err();
    assert_eq!(refused.kind(), Some("sign-in-needed"));
    assert!(!refused.is_transient());
    let docs = format!("{}/api/docs", served.connection.address());
    let elsewhere = Connection::new(&docs.parse().unwrap(), None);
    let error = Client::new(elsewhere, None).me().await.unwrap_err();
    assert!(!matches!(error, ClientError::Unreachable { .. }), "{error}");
    let address = served.stop().await;
    let gone = Connection::new(&format!("http://{address}").parse().unwrap(), None);
    let error = Client::new(gone, None).me().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }) && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn an_agent_works_and_people_watch() {
    let served = Served::new().await;
    let world = &served.world;
    let client = served.admin().await;
    let agents = AgentClient::new(served.connection.clone());
    let said = Register {
        protocol: PROTOCOL,
        version: "0.1.0".to_owned(),
        name: "worker".to_owned(),
        join_token: Some(world.app.local_join_token().await.unwrap()),
        proposed_secret: None,
        secret: None,
        groups: Default::default(),
        labels: Default::default(),
        executors: Default::default(),
        slots: 1,
        host: Default::default(),
    };
    let registered = agents.register(&said).await.unwrap();
    assert!(registered.authorised);

    let branch = world.project("here", false).await;
    let running = world.running(branch, registered.agent).await;
    let token = world.keys.job_token(running.attempt.id);
    let events = vec![Numbered {
        sequence: 1,
        event: AttemptEvent::Started,
    }];
    let reported = agents
        .report(running.attempt.id, &token, &Report { events })
        .await
        .unwrap();
    assert_eq!(reported.acknowledged, 1);
    let acknowledged = agents
        .append_log(running.attempt.id, &token, 0, chunk(world, &["one", "two"]))
        .await;
    assert_eq!(acknowledged.unwrap().next_line, 2);
    watch(world, &client, &agents, &running).await;

    world.work.set_live(running.attempt.id, None);
    let late = agents
        .append_log(running.attempt.id, &token, 4, chunk(world, &["late"]))
        .await;
    assert_eq!(late.unwrap_err().kind(), Some("lease-lost"));
}

async fn watch(world: &World, client: &Client, agents: &AgentClient, running: &Running) {
    let token = world.keys.job_token(running.attempt.id);
    let mut follower = client.follow_log(running.job(), None, 1);
    let first = follower.next().await.unwrap().unwrap();
    assert_eq!(first.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 2]);
    agents
        .append_log(running.attempt.id, &token, 2, chunk(world, &["three", "four"]))
        .await
        .unwrap();
    let second = follower.next().await.unwrap().unwrap();
    assert_eq!(second.last().unwrap().text, "four");
    world.close_log(running.attempt.id).await;
    assert_eq!(follower.next().await.unwrap(), None);

    let which = LogLinesQuery {
        tail: Some(1),
        ..LogLinesQuery::default()
    };
    assert_eq!(
        client.log(running.job(), &which).await.unwrap().lines[0].text,
        "four"
    );
    let found = client
        .search_logs(&LogSearchQuery::Run(running.run.id), "t(wo|hree)", 10)
        .await
        .unwrap();
    assert_eq!(found.matches.len(), 2);
}

#[tokio::test]
async fn news_come_as_they_happen() {
    let served = Served::new().await;
    let client = served.admin().await;
    let mut events = client.events();
    assert_eq!(events.next().await.unwrap(), News::Anew);
    let event = Event::new(EventKind::Agent, jiff::Timestamp::UNIX_EPOCH);
    served.world.work.tell(EventEnvelope {
        position: "1-1".to_owned(),
        event: event.clone(),
    });
    assert_eq!(events.next().await.unwrap(), News::Changed(event));
}

/// A world behind a port of this machine.
struct Served {
    world: World,
    connection: Connection,
    address: SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Served {
    async fn new() -> Self {
        let world = World::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = world
            .router
            .clone()
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(axum::serve(listener, service).into_future());
        Self {
            world,
            connection: Connection::new(&format!("http://{address}").parse().unwrap(), None),
            address,
            server,
        }
    }

    async fn admin(&self) -> Client {
        let token = self.world.app.local_token().await.unwrap();
        Client::new(self.connection.clone(), Some(token))
    }

    async fn stop(self) -> SocketAddr {
        self.server.abort();
        // The port is free when the task has let go of it.
        drop(self.server.await);
        self.address
    }
}

fn chunk(world: &World, texts: &[&str]) -> bytes::Bytes {
    let mut builder = ChunkBuilder::new();
    for text in texts {
        let tag = LineTag {
            step: Some(0),
            stream: Stream::Output,
            cut: false,
        };
        builder.push(world.clock.now(), tag, text.as_bytes()).unwrap();
    }
    builder.finish(Effort::Quick).unwrap()
}
