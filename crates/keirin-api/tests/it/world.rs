//! A server in this process, with somebody to make each call.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response};
use jiff::SignedDuration;
use keirin_api::{App, ConnectionLimits, Environment, HttpSettings, Live, MasterKey, Parts, router};
use keirin_background::{BackgroundJobs, Reconcilers};
use keirin_engine::{RowChange, Snapshot};
use keirin_exchange::exchange::{Exchange, ExchangeSettings};
use keirin_git::{Git, Mirrors};
use keirin_logs::Logs;
use keirin_model::access::Role;
use keirin_model::flow::{Attempt, Flow, Job, Run};
use keirin_model::plan::Executor;
use keirin_model::{AgentId, AttemptId, BranchId, JobId, ProjectId, UserId};
use keirin_objects::Objects;
use keirin_retention::Retention;
use keirin_series::storage::Storage;
use keirin_series::transforms::Transforms;
use keirin_store::Store;
use keirin_store::agents::NewAgent;
use keirin_store::projects::{NamedRepository, NewProject};
use keirin_testkit::contract::SampleRows;
use keirin_testkit::{FakeClock, TestDatabase};
use keirin_wire::api::{CreateToken, CreatedToken, TokenKind};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::answer::Answer;
use crate::double::Double;

pub(crate) const ADDRESS: &str = "http://keirin.test";

/// A server in this process.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) app: Arc<App>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) router: Router,
    pub(crate) work: Double,
    pub(crate) clock: FakeClock,
    pub(crate) keys: MasterKey,
    pub(crate) mirrors: Mirrors,
    pub(crate) logs: Logs,
    pub(crate) folder: tempfile::TempDir,
    ending: tokio::sync::watch::Sender<bool>,
    pub(crate) database: TestDatabase,
}

/// How a call proves who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Nobody,
    /// A browser with this session, on our own page.
    Browser(String),
    /// A program with this token.
    Token(String),
}

/// A flow of one run and its jobs, one of which an agent holds.
pub(crate) struct Running {
    pub(crate) flow: Flow,
    pub(crate) run: Run,
    pub(crate) jobs: Vec<Job>,
    pub(crate) attempt: Attempt,
    pub(crate) agent: AgentId,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(HttpSettings::at(ADDRESS.parse().unwrap())).await
    }

    pub(crate) async fn with(settings: HttpSettings) -> Self {
        Self::exchanging(settings, ExchangeSettings::default()).await
    }

    /// A server with these ways in and out for samples.
    pub(crate) async fn exchanging(settings: HttpSettings, exchange: ExchangeSettings) -> Self {
        let database = keirin_testkit::database().await;
        let folder = tempfile::tempdir().unwrap();
        let store = database.store();
        let objects = Objects::folder(folder.path().join("objects")).unwrap();
        let logs = Logs::new(
            store.clone(),
            objects.clone(),
            keirin_logs::LogSettings::default(),
            1,
        );
        let mirrors = Mirrors::new(Git::new(), folder.path().join("mirrors"));
        let keys = MasterKey::new(&[7; 32]);
        let clock = FakeClock::default();
        let shown = clock.clone();
        let work = Double::new(store.clone());
        let storage = Storage::new(store.clone());
        let exchange = Arc::new(Exchange::new(storage.clone(), clock_of(&clock), exchange));
        let retention = Retention::new(store.clone(), objects.clone(), clock_of(&clock));
        let background = BackgroundJobs::new(
            store.clone(),
            clock_of(&clock),
            keirin_logs::background_works(&logs),
        );
        let app = App::new(Parts {
            store: store.clone(),
            work: Arc::new(work.clone()),
            logs: logs.clone(),
            objects,
            exchange: exchange.clone(),
            transforms: Transforms::new(storage),
            mirrors: mirrors.clone(),
            keys: keys.clone(),
            outside: Environment::new(move || shown.now(), drawn()),
            settings,
            background,
            reconcilers: Reconcilers::new(clock_of(&clock)),
            retention,
        });
        Self {
            router: router(&app),
            app,
            exchange,
            store,
            work,
            clock,
            keys,
            mirrors,
            logs,
            folder,
            ending: tokio::sync::watch::Sender::new(false),
            database,
        }
    }

    /// Serves on a port of this machine until the test ends; gives the address.
    pub(crate) async fn listen(&self) -> url::Url {
        let limits = ConnectionLimits {
            total: 1000,
            per_address: 1000,
        };
        self.listen_with(limits).await
    }

    /// As [`World::listen`], with so many connections at the most.
    pub(crate) async fn listen_with(&self, limits: ConnectionLimits) -> url::Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let serving = keirin_api::serve(listener, Arc::clone(&self.app), limits, self.ending.subscribe());
        tokio::spawn(serving);
        address.parse().unwrap()
    }

    /// Makes a call and gives the answer as it begins.
    pub(crate) async fn begin(&self, by: &By, method: Method, path: &str, body: Body) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "keirin.test")
            .header("content-type", "application/json");
        request = match by {
            By::Nobody => request,
            By::Browser(cookie) => request
                .header("cookie", cookie)
                .header("sec-fetch-site", "same-origin"),
            By::Token(token) => request.header("authorization", format!("Bearer {token}")),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Makes a call that a test has put together itself.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.send_from([192, 0, 2, 1].into(), request).await
    }

    /// As [`World::send`], from this address.
    pub(crate) async fn send_from(&self, address: IpAddr, mut request: Request<Body>) -> Response<Body> {
        let peer = SocketAddr::from((address, 4000));
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, by: &By, path: &str) -> Answer {
        Answer::read(self.begin(by, Method::GET, path, Body::empty()).await).await
    }

    pub(crate) async fn call(&self, by: &By, method: Method, path: &str, body: Value) -> Answer {
        let body = Body::from(body.to_string());
        Answer::read(self.begin(by, method, path, body).await).await
    }

    pub(crate) async fn post(&self, by: &By, path: &str, body: Value) -> Answer {
        self.call(by, Method::POST, path, body).await
    }

    /// A person with this role in all projects.
    pub(crate) async fn user(&self, name: &str, role: Option<Role>) -> UserId {
        let now = self.clock.now();
        self.store.create_user(name, role, None, now).await.unwrap()
    }

    /// A browser in which this person has signed in by a link.
    pub(crate) async fn browser(&self, user: UserId) -> By {
        let link = self.app.sign_in_link(Some(user)).await.unwrap();
        let path = link.url.strip_prefix(ADDRESS).unwrap();
        let answer = self.click(path).await;
        By::Browser(answer.cookie().expect("the link opens a session"))
    }

    /// Presses the button of a page on that page.
    pub(crate) async fn click(&self, path: &str) -> Answer {
        let request = Request::post(path)
            .header("host", "keirin.test")
            .header("sec-fetch-site", "same-origin")
            .body(Body::empty());
        Answer::read(self.send(request.unwrap()).await).await
    }

    /// The first admin's browser.
    pub(crate) async fn admin(&self) -> By {
        let admin = self.store.first_admin(self.clock.now()).await.unwrap();
        self.browser(admin).await
    }

    /// A token that this caller makes.
    pub(crate) async fn token(&self, by: &By, role: Role, project: Option<&str>) -> By {
        self.make_token(by, role, project, false).await
    }

    /// A token that this caller makes and that may make others.
    pub(crate) async fn maker(&self, by: &By, role: Role, project: Option<&str>) -> By {
        self.make_token(by, role, project, true).await
    }

    async fn make_token(&self, by: &By, role: Role, project: Option<&str>, can_create_tokens: bool) -> By {
        let wanted = CreateToken {
            kind: TokenKind::Api,
            name: None,
            role: Some(role),
            project: project.map(str::to_owned),
            groups: Default::default(),
            uses: None,
            expires_in_seconds: None,
            can_create_tokens,
        };
        let answer = self.post(by, "/api/v1/tokens", json!(wanted)).await;
        By::Token(answer.json::<CreatedToken>().token)
    }

    pub(crate) async fn project(&self, name: &str, public: bool) -> (ProjectId, BranchId) {
        let new = NewProject {
            name,
            repository: NamedRepository {
                address: "https://example.org/repository.git",
                by_admin: false,
            },
            workflow_file: None,
            public,
            default_branch: "main",
        };
        let made = self.store.create_project(&new, self.clock.now()).await;
        let (project, branch) = made.unwrap();
        (project.id, branch.id)
    }

    pub(crate) async fn agent(&self, name: &str, secret: &str) -> AgentId {
        use sha2::Digest as _;
        let secret_hash = sha2::Sha256::digest(secret.as_bytes()).to_vec();
        let new = NewAgent {
            name,
            secret_hash: &secret_hash,
            groups: &Default::default(),
            labels: &["linux".to_owned()].into(),
            executors: &[Executor::Bare].into(),
            slots: 2,
            authorised: true,
            host: &Default::default(),
            version: "0.1.0",
            registered_from: None,
        };
        let made = self.store.register_agent(&new, self.clock.now()).await;
        made.unwrap().id
    }

    /// What a store knows of the ids that have been given out.
    pub(crate) async fn sample(&self) -> SampleRows {
        let snapshot: Snapshot = self.store.snapshot().await.unwrap();
        SampleRows::after(&snapshot, self.clock.now())
    }

    /// Writes rows as the engine would.
    pub(crate) async fn commit(&self, changes: &[RowChange]) {
        let term = Duration::from_secs(60);
        let lease = self.store.try_lead("test", term).await.unwrap().unwrap();
        self.store.commit(lease.epoch, changes).await.unwrap();
        self.store.release(&lease).await.unwrap();
    }

    /// A waiting flow with one run of so many jobs.
    pub(crate) async fn flow(&self, branch: (ProjectId, BranchId), jobs: usize) -> (Flow, Run, Vec<Job>) {
        let mut sample = self.sample().await;
        let (flow, mut runs, jobs, changes) = sample.flow_changes(branch, 1, jobs);
        self.commit(&changes).await;
        (flow, runs.remove(0), jobs)
    }

    /// A flow whose first job an agent holds; the attempt is live.
    pub(crate) async fn running(&self, branch: (ProjectId, BranchId), agent: AgentId) -> Running {
        let (flow, run, jobs) = self.flow(branch, 2).await;
        self.hold(branch, flow, run, jobs, agent).await
    }

    /// Gives the first job of a flow to an agent.
    pub(crate) async fn hold(
        &self,
        branch: (ProjectId, BranchId),
        flow: Flow,
        run: Run,
        jobs: Vec<Job>,
        agent: AgentId,
    ) -> Running {
        let mut sample = self.sample().await;
        let attempt = sample.attempt(jobs[0].id, 1, agent);
        self.commit(&[RowChange::AddAttempt(attempt.clone())]).await;
        let live = Live {
            agent,
            project: branch.0,
            flow: flow.id,
            run: run.id,
            job: jobs[0].id,
            number: 1,
        };
        self.work.set_live(attempt.id, Some(live));
        Running {
            flow,
            run,
            jobs,
            attempt,
            agent,
        }
    }

    /// Closes an attempt's log, as those who run the work do at its end.
    pub(crate) async fn close_log(&self, attempt: AttemptId) {
        let log = self.logs.of_attempt(attempt).await.unwrap().unwrap();
        self.logs.close(log.id, self.clock.now()).await.unwrap();
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
    }
}

impl Running {
    pub(crate) fn job(&self) -> JobId {
        self.jobs[0].id
    }
}

/// Bytes that differ at each draw, and are the same in each test.
fn drawn() -> impl Fn(&mut [u8]) + Send + Sync {
    let counter = std::sync::atomic::AtomicU64::new(1);
    move |bytes| {
        use sha2::Digest as _;
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let digest = sha2::Sha256::digest(number.to_be_bytes());
        for (byte, drawn) in bytes.iter_mut().zip(digest.iter().cycle()) {
            *byte = *drawn;
        }
    }
}

/// The test's clock as the program takes one.
fn clock_of(clock: &FakeClock) -> keirin_model::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}
