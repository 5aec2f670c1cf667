//! A server with a project, and somebody who works with it.

use std::collections::BTreeMap;
use std::fs;

use futures::TryStreamExt as _;
use keirin_client::{Client, ClientError, Connection, LogLinesQuery};
use keirin_model::access::Role;
use keirin_model::flow::ParamValue;
use keirin_model::{FlowId, JobId, Outcome, State};
use keirin_wire::api::{CreateProject, CreateToken, Flow, Job, Project, StartFlow, TokenKind};
use keirin_wire::log::Stream;
use url::Url;

use crate::whole_program::repository::Repository;
use crate::whole_program::server::Server;
use crate::whole_program::world::{World, poll, poll_async, within};

/// The project of the story.
pub(crate) const PROJECT: &str = "story";

/// A server with a project. What stands first is dropped first.
pub(crate) struct Story {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) url: Url,
    pub(crate) world: World,
}

impl Story {
    /// A server on a new folder, with a project that has this workflow.
    pub(crate) async fn begin(workflow: &str) -> Self {
        Self::begin_in(World::new(), workflow).await
    }

    pub(crate) async fn begin_in(world: World, workflow: &str) -> Self {
        Repository::new(&world, "repository", workflow);
        let server = Server::spawn(&world, "127.0.0.1:0");
        let url = server.ready();
        let client = client(&world).await;
        let story = Self {
            client,
            server,
            url,
            world,
        };
        story.project(PROJECT, "repository").await.unwrap();
        story
    }

    /// Makes a project of the repository in this folder.
    pub(crate) async fn project(&self, name: &str, folder: &str) -> Result<Project, ClientError> {
        let path = self.world.path().join(folder);
        self.project_at(name, path.to_str().unwrap()).await
    }

    pub(crate) async fn project_at(&self, name: &str, repository: &str) -> Result<Project, ClientError> {
        let wanted = CreateProject {
            name: name.to_owned(),
            repository: repository.to_owned(),
            workflow_file: None,
            public: false,
            credential: None,
        };
        self.client.create_project(&wanted).await
    }

    pub(crate) fn repository(&self) -> Repository<'_> {
        Repository::at(&self.world, "repository")
    }

    /// Where the server listens, as `--listen` takes it.
    pub(crate) fn listen(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap(), self.url.port().unwrap())
    }

    /// The token of whoever sits at the server's own machine.
    pub(crate) fn local_token(&self) -> String {
        self.local()["token"].as_str().unwrap().to_owned()
    }

    /// Where the command line on the server's own machine finds the server.
    pub(crate) fn local_address(&self) -> Url {
        self.local()["url"].as_str().unwrap().parse().unwrap()
    }

    fn local(&self) -> serde_json::Value {
        let local = fs::read(self.world.data().join("local.json")).unwrap();
        serde_json::from_slice(&local).unwrap()
    }

    /// Starts a flow of the story's project.
    pub(crate) async fn start(&self) -> Flow {
        self.start_with(&[]).await
    }

    pub(crate) async fn start_with(&self, params: &[(&str, String)]) -> Flow {
        let text = |(name, value): &(&str, String)| ((*name).to_owned(), ParamValue::Text(value.clone()));
        let start = StartFlow {
            params: params.iter().map(text).collect::<BTreeMap<_, _>>(),
            ..StartFlow::default()
        };
        self.client.start_flow(PROJECT, &start).await.unwrap()
    }

    /// Starts a flow and waits for its end.
    pub(crate) async fn run(&self) -> Flow {
        let flow = self.start().await;
        self.finished(flow.id).await
    }

    pub(crate) async fn finished(&self, flow: FlowId) -> Flow {
        finished(&self.client, flow).await
    }

    /// Waits until a flow is as wanted, told by the server's events.
    pub(crate) async fn flow_once(&self, flow: FlowId, what: &str, is_so: impl Fn(&Flow) -> bool) -> Flow {
        flow_once(&self.client, flow, what, is_so).await
    }

    /// Waits until the newest attempt's log has this line.
    pub(crate) async fn line(&self, job: JobId, text: &str) {
        line(&self.client, job, text).await;
    }

    /// Everything that stands in the log of one attempt, once that has ended.
    pub(crate) async fn output_of(&self, job: JobId, attempt: u32) -> Vec<String> {
        let mut log = self.client.follow_log(job, Some(attempt), 1);
        within("the attempt's log ends", async {
            let mut all = Vec::new();
            while let Some(lines) = log.next().await.unwrap() {
                all.extend(lines.into_iter().map(|line| line.text));
            }
            all
        })
        .await
    }

    /// What the newest attempt of a job wrote on standard output, once it has finished.
    pub(crate) async fn output(&self, job: &Job) -> Vec<String> {
        self.lines(job, Stream::Output).await
    }

    pub(crate) async fn lines(&self, job: &Job, stream: Stream) -> Vec<String> {
        let mut found = Vec::new();
        let mut from = 1;
        loop {
            let which = LogLinesQuery {
                from: Some(from),
                limit: Some(1000),
                ..LogLinesQuery::default()
            };
            let page = self.client.log(job.id, &which).await.unwrap();
            for (number, line) in (from..).zip(&page.lines) {
                assert_eq!(line.line, number, "every line has its own number");
            }
            from += page.lines.len() as u64;
            let is_last = page.lines.is_empty() || from > page.total;
            let wanted = page.lines.into_iter().filter(|line| line.stream == stream);
            found.extend(wanted.map(|line| line.text));
            if is_last {
                return found;
            }
        }
    }

    /// The whole log as it is downloaded.
    pub(crate) async fn raw_log(&self, job: JobId) -> Vec<u8> {
        let pieces = self.client.raw_log(job, None).await.unwrap();
        let pieces: Vec<_> = pieces.try_collect().await.unwrap();
        pieces.concat()
    }

    /// Nothing was harmed: another project's flow runs as ever.
    pub(crate) async fn still_works(&self) {
        Repository::new(&self.world, "witness", &one_job("echo unharmed"));
        self.project("witness", "witness").await.unwrap();
        let flow = self
            .client
            .start_flow("witness", &StartFlow::default())
            .await
            .unwrap();
        let flow = self.finished(flow.id).await;
        assert_eq!(flow.outcome, Some(Outcome::Success));
        assert_eq!(self.output(only_job(&flow)).await, ["unharmed"]);
    }
}

/// Waits until the newest attempt's log has this line.
pub(crate) async fn line(client: &Client, job: JobId, text: &str) {
    let mut log = client.follow_log(job, None, 1);
    let mut seen = Vec::new();
    let what = format!("the line `{text}`");
    within(&what, async {
        while let Some(lines) = log.next().await.unwrap() {
            seen.extend(lines.into_iter().map(|line| line.text));
            if seen.iter().any(|line| line == text) {
                return;
            }
        }
        panic!("the log ended without the line `{text}`: {seen:#?}");
    })
    .await;
}

/// Waits until a flow has finished.
pub(crate) async fn finished(client: &Client, flow: FlowId) -> Flow {
    let is_finished = |flow: &Flow| flow.state == State::Finished;
    flow_once(client, flow, "the flow finishes", is_finished).await
}

async fn flow_once(client: &Client, flow: FlowId, what: &str, is_so: impl Fn(&Flow) -> bool) -> Flow {
    let mut events = client.events();
    let mut last = None;
    let wait = async {
        loop {
            // A server that is away for a moment is asked again.
            let now = poll_async("the flow can be read", async || match client.flow(flow).await {
                Ok(flow) => Some(flow),
                Err(error) if error.is_transient() => None,
                Err(error) => panic!("{error}"),
            });
            let now = now.await;
            if is_so(&now) {
                return now;
            }
            last = Some(now);
            // The first news is always that one has to look.
            events.next().await.unwrap();
        }
    };
    match tokio::time::timeout(crate::whole_program::world::PATIENCE, wait).await {
        Ok(flow) => flow,
        Err(_) => panic!("this did not come: {what}; the flow is {last:#?}"),
    }
}

/// A client with a token of its own, which outlives the server's local one.
pub(crate) async fn client(world: &World) -> Client {
    let local = fs::read(world.data().join("local.json")).unwrap();
    let local: serde_json::Value = serde_json::from_slice(&local).unwrap();
    let connection = Connection::new(&local["url"].as_str().unwrap().parse().unwrap(), None);
    let first = Client::new(
        connection.clone(),
        Some(local["token"].as_str().unwrap().to_owned()),
    );
    let token = first.create_token(&admin_token(None)).await.unwrap();
    Client::new(connection, Some(token.token))
}

/// A client of this address with this token.
pub(crate) fn client_at(url: &Url, token: Option<&str>) -> Client {
    Client::new(Connection::new(url, None), token.map(str::to_owned))
}

pub(crate) fn admin_token(expires_in_seconds: Option<i64>) -> CreateToken {
    CreateToken {
        kind: TokenKind::Api,
        name: Some("story".to_owned()),
        role: Some(Role::Admin),
        project: None,
        groups: std::collections::BTreeSet::new(),
        uses: None,
        expires_in_seconds,
        can_create_tokens: true,
    }
}

/// Plain HTTP, where the typed client would not do what a stranger does.
pub(crate) fn http() -> reqwest::Client {
    keirin_http::install_tls();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// A workflow of one job whose one step runs this script.
pub(crate) fn one_job(script: &str) -> String {
    format!(
        "keirin: 1\nstages:\n  work:\n    jobs:\n      work:\n        steps:\n          - run: |\n{}",
        indented(script, 14)
    )
}

/// Lines moved to the right, so that they can stand in a workflow.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    let indent = " ".repeat(spaces);
    text.trim()
        .lines()
        .map(|line| format!("{indent}{}\n", line.trim()))
        .collect()
}

pub(crate) fn only_job(flow: &Flow) -> &Job {
    let [run] = flow.runs.as_slice() else {
        panic!("not one run: {flow:#?}")
    };
    let [job] = run.jobs.as_slice() else {
        panic!("not one job: {run:#?}")
    };
    job
}

/// The agent's process holds no more memory than this at its peak, in bytes.
pub(crate) fn peak_memory(process: nix::unistd::Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Waits until a process that is not ours to wait for has gone.
pub(crate) fn gone(process: nix::unistd::Pid) {
    let is_gone = poll(crate::whole_program::world::PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // One that is dead and not yet buried does nothing any more.
        (status.is_empty() || status.contains(") Z ")).then_some(())
    });
    assert!(is_gone.is_some(), "process {process} does not end");
}
