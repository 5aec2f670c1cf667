// Made-up projects, flows, agents and people.

export const now = Date.now();
export const ago = (seconds) => new Date(now - seconds * 1000).toISOString();
const hex = (seed) => Array.from({ length: 40 }, (_, at) => ((seed * 7919 + at * at * 31 + at * seed) % 16).toString(16)).join("");

let nextId = 1000;
const id = () => String((nextId += 1));

const person = { kind: "person", user: "1", name: "admin" };
const titles = [
  "Answer claims the moment a job fits",
  "Keep a lease across a server restart",
  "Say why a job waits in one sentence",
  "Read a million lines without reading them all",
  "Refuse a path that leaves the workspace",
  "Count tests by suite",
];

function step(index, tool, name, state, outcome, from, to, more = {}) {
  return {
    index,
    tool,
    name,
    state,
    outcome,
    started_at: from === null ? null : ago(from),
    finished_at: to === null ? null : ago(to),
    exit_code: outcome === "success" ? 0 : outcome === "failed" ? 101 : null,
    signal: null,
    message: null,
    ...more,
  };
}

function marks(firsts, lines) {
  return firsts.map((first, index) => {
    const last = (firsts[index + 1] ?? lines + 1) - 1;
    return { index, first_line: first, last_line: last, lines: last - first + 1, first_error: null };
  });
}

export const jobs = new Map();
export const runs = new Map();
export const flows = [];

/** `how` is success, failed, running, waiting, manual, skipped, cancelled, lost or timed_out. */
function job(flow, run, name, how, { from = 300, to = 200, needs = [], reason = null, tests = null, attempts: count = 1, log } = {}) {
  const finished = !["running", "waiting", "manual"].includes(how);
  const state = finished ? "finished" : how;
  const outcome = finished ? how : null;
  const started = !["waiting", "manual", "skipped"].includes(how);
  const end = finished ? to : null;
  const span = from - to;
  const queued = from + 8;
  const attempts = [];
  if (started) {
    if (count > 1) {
      attempts.push({ id: id(), number: 1, agent: "bergen", agent_id: "2", state: "finished", outcome: "lost", exit_code: null, signal: null, message: "The agent did not answer for 60 s, so attempt 1 is lost.", started_at: ago(from + 90), finished_at: ago(from + 30) });
    }
    attempts.push({ id: id(), number: count, agent: "local", agent_id: "1", state, outcome, exit_code: how === "failed" ? 101 : how === "success" ? 0 : null, signal: null, message: how === "timed_out" ? "It took longer than its 20 min." : null, started_at: ago(from), finished_at: end === null ? null : ago(end) });
  }
  const last = how === "running" ? "running" : state;
  const steps = !started
    ? ["git ."].concat("cargo test --workspace").map((text, at) => step(at, at ? "shell" : "git", text, how === "skipped" ? "finished" : "waiting", how === "skipped" ? "skipped" : null, null, null))
    : [
        step(0, "git", "git .", "finished", "success", from, from - span * 0.04),
        step(1, "shell", "cargo build --workspace --all-targets", "finished", "success", from - span * 0.04, from - span * 0.5),
        step(2, "shell", "cargo test --workspace", last === "running" ? "running" : "finished", last === "running" ? null : outcome, from - span * 0.5, end === null ? null : to + span * 0.02),
        step(3, "junit_collect", "junit_collect target/**/junit.xml", last === "running" ? "waiting" : "finished", last === "running" ? null : "success", last === "running" ? null : to + span * 0.02, end === null ? null : to, last === "running" ? {} : { message: tests ? `${tests.passed + tests.failed + tests.errors + tests.skipped} results` : null }),
      ];
  const lines = log ?? 900;
  const made = {
    id: id(),
    name,
    key: name.split(" ")[0],
    matrix: {},
    project: flow.project,
    branch: flow.branch,
    flow: flow.id,
    flow_number: flow.number,
    run: run.id,
    stage: run.stage,
    needs,
    requirements: { group: "all", labels: ["x86_64"], executor: "bare", system: null },
    priority: 0,
    timeout_seconds: 1800,
    state,
    outcome,
    stopping: false,
    waiting_reason: reason,
    queued_at: how === "manual" || how === "skipped" ? null : ago(count > 1 ? from + 98 : queued),
    started_at: started ? ago(from) : null,
    finished_at: end === null ? null : ago(end),
    attempts,
    steps,
    tests,
    retention: flow.retention,
    artifacts: how === "success" ? 2 : 0,
    log: started
      ? {
          attempt: count,
          lines,
          bytes: lines * 70,
          closed: finished,
          steps: marks([4, 24, Math.round(lines * 0.4), ...(finished ? [lines - 3] : [])], lines),
        }
      : null,
  };
  jobs.set(made.id, made);
  return made;
}

function run(flow, stage, how, { needs = [], start = "automatic", from = 300, to = 200, environment = null, exclusive = false, tests = null } = {}, makeJobs) {
  const finished = !["running", "waiting", "manual"].includes(how);
  const started = !["waiting", "manual", "skipped"].includes(how);
  const made = {
    id: id(),
    flow: flow.id,
    flow_number: flow.number,
    project: flow.project,
    branch: flow.branch,
    stage,
    needs,
    start,
    environment,
    exclusive,
    timeout_seconds: null,
    state: finished ? "finished" : how,
    outcome: finished ? how : null,
    started_at: started ? ago(from) : null,
    finished_at: finished && started ? ago(to) : null,
    tests,
    retention: flow.retention,
    jobs: [],
  };
  made.jobs = makeJobs(made);
  runs.set(made.id, made);
  flow.runs.push(made);
  return made;
}

function flow(project, branch, number, how, { age, took, cause = { kind: "push" }, dev = false, workflow = "default" }) {
  const finished = how !== "running";
  const made = {
    id: id(),
    number,
    project,
    branch,
    branch_kind: "branch",
    workflow,
    kind: dev ? "dev" : "ci",
    commit: hex(number),
    change: dev ? { base: branch, head: `topic-${number}`, author: "developer", title: titles[number % titles.length] } : null,
    params: { profile: "dev", verbose: true, shards: 4 },
    cause,
    concurrency: { group: branch, cancel_in_progress: dev },
    state: finished ? "finished" : "running",
    outcome: finished ? how : null,
    created_at: ago(age),
    finished_at: finished ? ago(age - took) : null,
    retention: { pinned: number % 7 === 0, logs_removed_at: null, artifacts_removed_at: null, test_results_removed_at: null },
    diagnostics: [],
    runs: [],
  };
  flows.push(made);
  return made;
}

const good = { passed: 1204, failed: 0, errors: 0, skipped: 7 };
const bad = { passed: 1198, failed: 4, errors: 2, skipped: 7 };

function whole(project, branch, number, how, options) {
  const made = flow(project, branch, number, how, options);
  const { age, took } = options;
  const at = (share) => age - took * share;
  if (how === "running") {
    run(made, "check", "success", { from: at(0.02), to: at(0.2) }, (stage) => [
      job(made, stage, "format", "success", { from: at(0.02), to: at(0.06), log: 120 }),
      job(made, stage, "lint", "success", { from: at(0.03), to: at(0.2), log: 2400 }),
    ]);
    run(made, "build", "running", { from: at(0.2), needs: ["check"] }, (stage) => [
      job(made, stage, "test (stable)", "running", { from: at(0.21), log: 1_000_000 }),
      job(made, stage, "test (beta)", "running", { from: at(0.3), log: 1400, attempts: 2 }),
      job(made, stage, "test (windows)", "waiting", { from: at(0.22), reason: "No agent with the label `windows` is online." }),
      job(made, stage, "package", "waiting", { from: at(0.22), needs: ["test (stable)", "test (beta)"], reason: "It waits for `test (stable)` and `test (beta)`." }),
    ]);
    run(made, "deploy", "waiting", { needs: ["build"], start: { manual: { role: "maintainer" } }, environment: "production", exclusive: true }, (stage) => [
      job(made, stage, "ship", "waiting", { reason: "It waits for stage `build`." }),
    ]);
    return made;
  }
  const buildHow = how === "success" ? "success" : how;
  run(made, "check", "success", { from: at(0.02), to: at(0.2) }, (stage) => [
    job(made, stage, "format", "success", { from: at(0.02), to: at(0.06), log: 120 }),
    job(made, stage, "lint", "success", { from: at(0.03), to: at(0.2), log: 2400 }),
  ]);
  run(made, "build", buildHow, { from: at(0.21), to: at(0.96), needs: ["check"], tests: how === "failed" ? bad : good }, (stage) => [
    job(made, stage, "test (stable)", buildHow, { from: at(0.23), to: at(0.9), tests: how === "failed" ? bad : good, log: 3200 }),
    job(made, stage, "test (beta)", "success", { from: at(0.25), to: at(0.8), tests: good, attempts: number % 3 === 0 ? 2 : 1 }),
    job(made, stage, "package", how === "success" ? "success" : "skipped", { from: at(0.91), to: at(0.96), needs: ["test (stable)", "test (beta)"] }),
  ]);
  const deployHow = how === "success" ? "manual" : "skipped";
  run(made, "deploy", deployHow, { needs: ["build"], start: { manual: { role: "maintainer" } }, environment: "production", exclusive: true }, (stage) => [
    job(made, stage, "ship", deployHow),
  ]);
  return made;
}

whole("keirin", "main", 131, "running", { age: 184, took: 400, cause: person });
whole("keirin", "main", 130, "running", { age: 95, took: 400, dev: true, cause: { kind: "push" } });
const outcomes = ["success", "failed", "success", "success", "cancelled", "success", "lost", "success", "timed_out", "success", "success", "failed"];
for (let back = 0; back < 24; back += 1) {
  whole("keirin", "main", 129 - back, outcomes[back % outcomes.length], {
    age: 1800 + back * 5400,
    took: 190 + ((back * 37) % 160),
    dev: back % 4 === 1,
    cause: back % 5 === 2 ? { kind: "schedule", schedule: "1" } : back % 5 === 3 ? person : { kind: "push" },
  });
}
for (const [at, branch] of ["release/1.0", "topic/live-log-with-a-rather-long-name"].entries()) {
  whole("keirin", branch, 90 - at, at ? "failed" : "success", { age: 90_000 + at * 7000, took: 240 });
}
whole("velodrome", "main", 41, "success", { age: 7000, took: 88 });
whole("velodrome", "main", 40, "failed", { age: 17_000, took: 61 });

const { runs: _runs, ...rest } = flows[0];
export const sampleFlow = rest;

export function summary(one) {
  const { params: _params, concurrency: _concurrency, retention, diagnostics, runs: all, ...head } = one;
  return {
    ...head,
    pinned: retention.pinned,
    workflow_errors: diagnostics.length,
    runs: all.map(({ id: runId, stage, state, outcome, started_at, finished_at, tests }) => ({ id: runId, stage, state, outcome, started_at, finished_at, tests })),
  };
}

export const projects = [
  { id: "1", name: "keirin", repository: "https://git.example.org/keirin/keirin.git", public: true, has_credential: false },
  { id: "2", name: "velodrome", repository: "/srv/git/velodrome", public: false, has_credential: true },
  { id: "3", name: "handbook", repository: "git@git.example.org:team/handbook.git", public: false, has_credential: true },
].map((project) => {
  const latest = flows.find((one) => one.project === project.name);
  return { workflow_file: null, default_branch: "main", notices: [], role: "admin", created_at: ago(9_000_000), ...project, latest_flow: latest ? summary(latest) : null };
});

const stored = (project, kind, count, bytes, oldest, goesIn) => ({
  project, kind, count, bytes, oldest: oldest === null ? null : ago(oldest), goes_next: goesIn === null ? null : ago(-goesIn),
});

export const storage = [
  ...["flows", "logs", "artifacts", "test_results"].map((kind) => stored("handbook", kind, 0, kind === "flows" || kind === "test_results" ? null : 0, null, null)),
  stored("keirin", "flows", 1412, null, 21_000_000, 10_500_000),
  stored("keirin", "logs", 6020, 3_120_400_000, 21_000_000, 86_400),
  stored("keirin", "artifacts", 4120, 18_402_113_000, 21_000_000, 400_000),
  stored("keirin", "test_results", 1_204_518, null, 21_000_000, 10_500_000),
  stored("velodrome", "flows", 388, null, 7_000_000, 24_500_000),
  stored("velodrome", "logs", 512, 2_210_000_000, 7_000_000, 24_500_000),
  stored("velodrome", "artifacts", 1, 96_400_000, 7_000_000, 24_500_000),
  stored("velodrome", "test_results", 48_120, null, 7_000_000, 24_500_000),
  stored(null, "logs", 3, 41_300_000, 21_000_000, null),
];

const keptFor = (keep, from = "built_in") => ({ keep, from });
const times = (flows, outputs) => ({ flows: keptFor(flows), logs: keptFor(outputs), artifacts: keptFor(outputs), test_results: keptFor("forever") });
const inherited = { ci: times("365d", "forever"), dev: times("365d", "90d") };
const effective = { ci: times("365d", "365d"), dev: times("365d", "90d") };

export const serverRetention = { rules: { ci: {}, dev: { logs: "30d" } }, effective, inherited };
export const projectRetention = {
  rules: { rules: { ci: { logs: "180d" }, dev: {} }, branches: [{ kind: "tag", pattern: "v*", rules: { ci: { flows: "forever" }, dev: {} } }] },
  effective, inherited, branches: [effective],
};

export const agents = [
  { id: "1", name: "local", state: "online", groups: [], labels: ["x86_64", "linux"], executors: ["bare"], slots: 2, host: { os: "Debian 12", processor: "2 cores" } },
  { id: "2", name: "bergen", state: "offline", groups: ["release"], labels: ["x86_64", "linux", "docker"], executors: ["bare", "docker"], slots: 8, host: { os: "Debian 12", processor: "16 cores" }, seen: 4000 },
  { id: "3", name: "arm-bench-01.example.org", state: "disabled", groups: ["bench"], labels: ["aarch64", "linux"], executors: ["bare"], slots: 1, host: { os: "Debian 13" }, seen: 12 },
  { id: "4", name: "newcomer", state: "unauthorised", groups: [], labels: ["x86_64"], executors: ["bare"], slots: 4, host: {}, seen: 3 },
].map(({ seen = 1, ...agent }) => {
  const mine = agent.id === "1" ? [...jobs.values()].filter((one) => one.state === "running").slice(0, 2) : [];
  return {
    ...agent,
    running: mine.length,
    jobs: mine.map((one) => ({ id: one.id, name: one.name, project: one.project, flow: one.flow, flow_number: one.flow_number, started_at: one.started_at })),
    version: "0.1.0",
    created_at: ago(900_000),
    seen_at: ago(seen),
  };
});

export const users = [
  { id: "1", name: "admin", role: "admin", projects: [], disabled: false, has_password: true, created_at: ago(9_000_000), signed_in_at: ago(400) },
  { id: "2", name: "developer", role: "developer", projects: [{ project: "velodrome", role: "maintainer" }], disabled: false, has_password: true, created_at: ago(5_000_000), signed_in_at: ago(90_000) },
  { id: "3", name: "auditor", role: null, projects: [{ project: "keirin", role: "viewer" }], disabled: false, has_password: false, created_at: ago(400_000), signed_in_at: null },
  { id: "4", name: "somebody-who-left", role: "viewer", projects: [], disabled: true, has_password: true, created_at: ago(8_000_000), signed_in_at: ago(4_000_000) },
];

export const tokens = [
  { id: "1", name: "release script", kind: "api", prefix: "keirin_a1b2", owner: "admin", role: "developer", project: "keirin", groups: [], uses_left: null, created_at: ago(900_000), expires_at: ago(-6_000_000), used_at: ago(3600) },
  { id: "2", name: "bench machines", kind: "join", prefix: "keirin_j9x8", owner: "admin", role: null, project: null, groups: ["bench"], uses_left: 3, created_at: ago(4000), expires_at: ago(-80_000), used_at: null },
  { id: "3", name: "dashboard", kind: "api", prefix: "keirin_q7w6", owner: "developer", role: "viewer", project: null, groups: [], uses_left: null, created_at: ago(2_000_000), expires_at: null, used_at: ago(30) },
];

export const workflowText = `keirin: 1
# Checks come first: they need no compilation.
triggers:
  push: { branches: [main, "release/*"] }
  pull_request: {}
params:
  profile: { type: choice, choices: [dev, release], default: dev, description: Cargo profile }
  verbose: { type: boolean, default: false, description: Prints every command before it runs }
  shards: { type: number, default: 4, description: How many parts the tests are split into }
  note: { type: string, description: Shown in the log }
defaults: { executor: bare, labels: [x86_64], timeout: 30m }

stages:
  check:
    jobs:
      format: { steps: [ { git: . }, { run: cargo fmt --check } ] }
      lint: { steps: [ { git: . }, { run: cargo clippy } ] }
  build:
    needs: [check]
    jobs:
      test:
        matrix: { toolchain: [stable, beta] }
        steps:
          - git: .
          - run: cargo test --profile "$PROFILE"
          - junit_collect: "target/**/junit.xml"
            when: always
      package:
        needs: [test]
        steps:
          - run: make dist
          - artifacts: { upload: "dist/*" }
  deploy:
    needs: [build]
    start: { manual: { role: maintainer } }
    environment: production
    exclusive: true
    jobs:
      ship: { steps: [ { run: ./ship } ] }
`;

const jobPlan = (name, steps, needs = []) => ({
  name,
  key: name.split(" ")[0],
  needs,
  requirements: { group: "all", labels: ["x86_64"], executor: "bare" },
  timeout: "PT30M",
  steps: steps.map((text) => ({ name: text, tool: {} })),
});

export const plan = {
  workflow: "default",
  stages: [
    { name: "check", needs: [], start: "automatic", exclusive: false, jobs: [jobPlan("format", ["git .", "cargo fmt --check"]), jobPlan("lint", ["git .", "cargo clippy"])] },
    {
      name: "build",
      needs: ["check"],
      start: "automatic",
      exclusive: false,
      jobs: [
        jobPlan("test (stable)", ["git .", "cargo test", "junit_collect"]),
        jobPlan("test (beta)", ["git .", "cargo test", "junit_collect"]),
        jobPlan("package", ["make dist", "artifacts"], ["test (stable)", "test (beta)"]),
      ],
    },
    { name: "deploy", needs: ["build"], start: { manual: { role: "maintainer" } }, environment: "production", exclusive: true, jobs: [jobPlan("ship", ["./ship"])] },
  ],
};

export const params = [
  { name: "profile", kind: "choice", choices: ["dev", "release"], default: "dev", description: "Cargo profile" },
  { name: "verbose", kind: "boolean", choices: [], default: false, description: "Prints every command before it runs" },
  { name: "shards", kind: "number", choices: [], default: 4, description: "How many parts the tests are split into" },
  { name: "note", kind: "string", choices: [], default: null, description: "Shown in the log" },
];
