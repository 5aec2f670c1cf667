/** Where the time of a flow went, as segments of one line of time. Pure: the time now comes in. */
import type { Flow, Job, Run } from "../../api/types";
import { type StateName, stateOf } from "../../parts/states";

export interface Segment {
  kind: "queued" | "ran" | "lost";
  /** In seconds from the flow's beginning. */
  from: number;
  to: number;
  state: StateName;
}

export interface TimeRow {
  id: string;
  kind: "run" | "job";
  name: string;
  state: StateName;
  segments: Segment[];
}

export interface Timeline {
  seconds: number;
  rows: TimeRow[];
  ticks: number[];
}

export function timelineOf(flow: Flow, now: number): Timeline {
  const start = Date.parse(flow.created_at);
  const at = (time: string | null) => (time === null ? null : Math.max(0, (Date.parse(time) - start) / 1000));
  const end = (flow.finished_at === null ? now : Date.parse(flow.finished_at)) - start;
  const rows = flow.runs.flatMap((run) => [runRow(run, at, end / 1000), ...run.jobs.map((job) => jobRow(job, at, end / 1000))]);
  const furthest = Math.max(1, end / 1000, ...rows.flatMap((row) => row.segments.map((segment) => segment.to)));
  return { seconds: furthest, rows, ticks: ticksFor(furthest) };
}

type At = (time: string | null) => number | null;

function runRow(run: Run, at: At, end: number): TimeRow {
  const from = at(run.started_at);
  const state = stateOf(run);
  const segments: Segment[] = from === null ? [] : [{ kind: "ran", from, to: at(run.finished_at) ?? end, state }];
  return { id: run.id, kind: "run", name: run.stage, state, segments };
}

function jobRow(job: Job, at: At, end: number): TimeRow {
  const state = stateOf(job);
  const segments: Segment[] = [];
  let waitsFrom = at(job.queued_at);
  for (const attempt of job.attempts) {
    const from = at(attempt.started_at);
    if (from === null) continue;
    const to = at(attempt.finished_at) ?? end;
    if (waitsFrom !== null && from > waitsFrom) segments.push({ kind: "queued", from: waitsFrom, to: from, state: "waiting" });
    const attemptState = stateOf(attempt);
    segments.push({ kind: attemptState === "lost" ? "lost" : "ran", from, to, state: attemptState });
    waitsFrom = to;
  }
  const waitsNow = job.state === "waiting" && waitsFrom !== null && end > waitsFrom;
  if (waitsNow && waitsFrom !== null) segments.push({ kind: "queued", from: waitsFrom, to: end, state: "waiting" });
  return { id: job.id, kind: "job", name: job.name, state, segments };
}

const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];

/** Round times, some five of them. */
export function ticksFor(seconds: number): number[] {
  const step = steps.find((one) => seconds / one <= 6) ?? Math.ceil(seconds / 6 / 86_400) * 86_400;
  return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, index) => Number((index * step).toFixed(1)));
}
