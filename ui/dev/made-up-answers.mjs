// What the made-up server answers.
import { agents, ago, flows, jobs, params, plan, projectRetention, projects, runs, sampleFlow, serverRetention, storage, summary, tokens, users, workflowText } from "./made-up-data.mjs";
import { lineOf, linesOf } from "./made-up-log.mjs";
import { tell } from "./made-up-streams.mjs";

const empty = process.env.MADE_UP_EMPTY === "1";
const nobody = process.env.MADE_UP_NOBODY === "1";
const owner = process.env.MADE_UP_OWNER ?? "this";
const page = (items) => ({ items, next_cursor: null });
const all = (items) => page(empty ? [] : items);

function cut(items, query, usual = 50) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? usual);
  return { items: items.slice(from, from + limit), next_cursor: from + limit < items.length ? String(from + limit) : null };
}

function wave(low, high, holes = false) {
  return Array.from({ length: 30 }, (_, day) => ({
    time: ago((30 - day) * 86_400),
    value: holes && day % 11 === 4 ? null : low + (high - low) * (0.5 + 0.35 * Math.sin(day / 3) + 0.15 * Math.sin(day * 2.3)),
  }));
}

function overview() {
  const running = flows.filter((flow) => flow.state === "running");
  const totals = { projects: projects.length, running_flows: running.length, running_jobs: 4, waiting_jobs: 2, agents: { known: 4, online: 1, unauthorised: 1, slots: 2 } };
  if (empty) {
    return { running: [], recent: [], totals: { projects: 0, running_flows: 0, running_jobs: 0, waiting_jobs: 0, agents: { known: 1, online: 1, unauthorised: 0, slots: 2 } }, figures: [], freshness: [] };
  }
  return {
    running: running.map((flow) => {
      const job = flow.runs.flatMap((run) => run.jobs).find((one) => one.state === "running");
      return { flow: summary(flow), job: job?.id ?? null, job_name: job?.name ?? null, last_line: job ? lineOf(job, job.log.lines) : null };
    }),
    recent: flows.filter((flow) => flow.state === "finished").slice(0, 10).map(summary),
    totals,
    figures: [
      { name: "flows", title: "Flows finished", definition: "Flows that ended in the last 30 days.", unit: "count", better: "neither", value: 412, before: 388, points: wave(8, 22) },
      { name: "success_ratio", title: "Success", definition: "The share of finished flows that succeeded, without those that were cancelled.", unit: "ratio", better: "higher", value: 0.914, before: 0.887, points: wave(0.8, 1, true) },
      { name: "duration_median", title: "Duration, median", definition: "From the moment a flow was asked for until it ended.", unit: "seconds", better: "lower", value: 243, before: 221, points: wave(180, 300) },
      { name: "queue_median", title: "Wait for an agent, median", definition: "From the moment a job could run until an agent started it.", unit: "seconds", better: "lower", value: 0.31, before: null, points: wave(0.1, 0.8).map((point, at) => (at < 22 ? { ...point, value: null } : point)) },
    ],
    freshness: [
      { name: "flows", count: 24, newest_at: ago(2) },
      { name: "jobs", count: 168, newest_at: ago(20) },
      { name: "log_lines", count: 1_412_338, newest_at: ago(1) },
    ],
  };
}

function me() {
  const nothing = { user: null, name: null, role: null, projects: [], has_password: false, expires_at: null, version: "0.1.0" };
  return nobody ? { kind: "nobody", ...nothing } : { ...nothing, kind: "session", user: "1", name: "admin", role: "admin", has_password: true };
}

function queue() {
  return [...jobs.values()]
    .filter((job) => job.state === "waiting" && job.queued_at !== null && job.stage !== "deploy")
    .map((job, at) => ({
      job,
      reason: job.waiting_reason ?? "All 2 slots of the agents that fit are busy.",
      place: job.needs.length > 0 ? null : at + 1,
      fix: job.needs.length > 0 ? null : "Start an agent with the label `windows`, or take the label off the job.",
    }));
}

function results(query) {
  const items = Array.from({ length: 640 }, (_, at) => ({
    job: [...jobs.keys()][2],
    job_name: "test (stable)",
    run: [...runs.keys()][1],
    stage: "build",
    suite: ["engine::lease", "store::flows", "logs::chunk"][at % 3],
    name: at < 4 ? `is_kept_across_a_restart_${at}` : `case_${at}`,
    status: at < 4 ? "failed" : at < 6 ? "error" : at < 13 ? "skipped" : "passed",
    duration_seconds: at % 9 === 0 ? null : (at % 70) / 13,
    message: at < 4 ? "assertion `left == right` failed\n  left: Waiting\n right: Running\nstack backtrace:\n   0: std::panicking\n   1: engine::lease" : at < 6 ? "timed out after 60 s" : null,
  }));
  return { counts: { passed: 627, failed: 4, errors: 2, skipped: 7 }, ...cut(items, query) };
}

function artifacts() {
  const job = [...jobs.values()].find((one) => one.name === "package");
  return ["dist/keirin-0.1.0-x86_64.tar.gz", "dist/keirin-0.1.0-x86_64.tar.gz.sha256", "coverage/index.html"].map((path, at) => ({
    id: String(at + 1), path, size: [18_402_113, 98, 48_120][at], executable: false, sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", job: job.id, job_name: job.name, stage: job.stage, created_at: ago(2000),
  }));
}

function diagnosticsOf(text) {
  return text.split("\n").flatMap((line, at) =>
    /\bneed:/.test(line)
      ? [{ file: ".keirin.yaml", line: at + 1, column: 5, severity: "error", message: "`need` is not a key of a stage", suggestion: "Write `needs`." }]
      : /services:/.test(line)
        ? [{ file: ".keirin.yaml", line: at + 1, column: 5, severity: "warning", message: "`services` is not available yet", suggestion: null }]
        : [],
  );
}

function search(query) {
  const pattern = query.get("regex");
  const [, flags = "", source = pattern] = /^\(\?(i)\)(.*)$/s.exec(pattern) ?? [];
  let regex;
  try {
    regex = new RegExp(source, flags);
  } catch (error) {
    return { problem: [422, "The expression cannot be read", String(error.message), "Escape special characters by a backslash."] };
  }
  const limit = Number(query.get("limit") ?? 200);
  const wanted = query.get("job") ? [jobs.get(query.get("job"))] : [...jobs.values()].filter((job) => job.flow === query.get("flow") || job.run === query.get("run"));
  const matches = [];
  for (const job of wanted.filter((one) => one?.log)) {
    for (let line = 1; line <= Math.min(job.log.lines, 20_000) && matches.length <= limit; line += 1) {
      const made = lineOf(job, line);
      // oxlint-disable-next-line no-control-regex -- escape sequences are made of control characters
      const plain = made.text.replace(/\u001b\[[0-9;]*m/g, "");
      const found = regex.exec(plain);
      if (found) {
        const start = Buffer.byteLength(plain.slice(0, found.index));
        matches.push({ project: job.project, flow: job.flow, flow_number: job.flow_number, run: job.run, stage: job.stage, job: job.id, job_name: job.name, attempt: job.log.attempt, agent: null, service: null, line: made, ranges: [{ start, end: start + Buffer.byteLength(found[0]) }] });
      }
    }
  }
  return { matches: matches.slice(0, limit), more: matches.length > limit };
}

function log(job, query) {
  const tail = Number(query.get("tail") ?? 0);
  const limit = Number(query.get("limit") ?? 1000);
  const first = tail ? job.log.lines - tail + 1 : Number(query.get("from") ?? 1);
  return { lines: linesOf(job, first, tail || limit), total: job.log.lines, closed: job.log.closed };
}

function branches(project) {
  const names = [...new Set(flows.filter((flow) => flow.project === project).map((flow) => flow.branch))];
  return names.map((name, at) => {
    const own = flows.filter((flow) => flow.project === project && flow.branch === name);
    return { id: `${project}${at}`, name, seen_commit: own[0].commit, gone_at: null, last_push: null, flows: own.length, latest_flow: summary(own[0]) };
  });
}

function get([noun, id, sub], query) {
  switch (noun) {
    case "me": return me();
    case "overview": return nobody ? { problem: [401, "You are not signed in", "This page shows what projects do, and none is public.", "Sign in, or ask for a sign-in link."] } : overview();
    case "queue": return all(queue());
    case "agents": return all(agents);
    case "tokens": return all(tokens);
    case "users": return page(users);
    case "storage": return { owner, objects_to_remove: empty ? 0 : 1204, items: empty ? [] : storage };
    case "retention": return serverRetention;
    case "logs": return search(query);
    case "projects": {
      if (id === undefined) return all(projects);
      const project = projects.find((one) => one.name === id);
      if (project === undefined) return { problem: [404, "There is no such project", `No project is called ${id}, or you may not see it.`, "Look at the list of projects."] };
      if (sub === undefined) return project;
      if (sub === "branches") return page(branches(id));
      if (sub === "retention") return projectRetention;
      if (sub === "members") return page([{ user: "3", name: "auditor", role: "viewer" }]);
      if (sub === "workflows") return id === "handbook" ? [] : [{ name: "default", file: ".keirin.yaml", commit: sampleFlow.commit, text: workflowText, params, triggers: null, diagnostics: [], plan }];
      if (sub === "flows") return cut(flows.filter((flow) => flow.project === id && (!query.get("branch") || flow.branch === query.get("branch"))).map(summary), query);
      return undefined;
    }
    case "flows": case "runs": case "jobs": {
      const thing = noun === "flows" ? flows.find((flow) => flow.id === id) : noun === "runs" ? runs.get(id) : jobs.get(id);
      if (thing === undefined) return { problem: [404, "There is no such thing", `Nothing has the id ${id}, or you may not see it.`, "Look at the link that led here."] };
      if (sub === "test-results") return results(query);
      if (sub === "artifacts") return page(artifacts());
      if (sub === "log") return log(thing, query);
      return thing;
    }
    default: return undefined;
  }
}

export function answers(method, path, query, body) {
  if (method === "GET") {
    if (path[0] === "jobs" && path[3] === "raw") return { text: linesOf(jobs.get(path[1]), 1, 5000).map((line) => line.text).join("\n") };
    return get(path, query);
  }
  const at = path.join("/");
  if (at === "workflows/check") {
    const diagnostics = diagnosticsOf(body.text);
    return { diagnostics, plan: diagnostics.some((fault) => fault.severity === "error") ? null : plan };
  }
  if (at === "tokens") return { id: "9", token: "keirin_made-up_4b1d0c6e9a72f58e31", expires_at: ago(-86_400) };
  if (path[2] === "sign-in-link") return { url: "http://127.0.0.1:8460/sign-in/made-up", expires_at: ago(-3600) };
  if (path[0] === "flows" && path[2]) {
    const flow = flows.find((one) => one.id === path[1]);
    tell({ kind: "flow", flow: flow.id });
    return flow;
  }
  if (path[0] === "projects" && path[2] === "flows") return flows[0];
  if (at === "projects" && body.name === "taken") return { problem: [409, "The name is taken", "There is a project called taken already.", "Choose another name."] };
  return { nothing: true };
}
