import { describe, expect, it } from "vitest";
import type { BackgroundJob, BackgroundKind, ReconcilerState } from "../../api/types";
import { lastRunSeconds, reconcilerShape, refetchAfter, summaryOf, timesOf } from "./states";

const now = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();

const job: BackgroundJob = {
  id: "1",
  kind: "seal_logs",
  title: "Merge the small pieces of logs",
  key: "",
  project: null,
  state: "waiting",
  recurs: true,
  attempts: 0,
  run_at: at(60),
  started_at: at(-1),
  ended_at: at(0),
  progress: null,
  error: null,
};
const kind: BackgroundKind = {
  name: "seal_logs",
  title: "Merge the small pieces of logs",
  concurrency: 1,
  time_limit_seconds: 3600,
  every_seconds: 60,
  cron: null,
  waiting: 1,
  running: 0,
  dead: 0,
};
const reconciler: ReconcilerState = { name: "forward", title: "Send samples on", succeeded_at: at(-5), failed_at: null, error: null };
const failing: ReconcilerState = { ...reconciler, failed_at: at(-1), error: "Nobody answers." };

it("the last run is the one that has ended", () => {
  expect(lastRunSeconds(job)).toBe(1);
  expect(lastRunSeconds({ ...job, started_at: null, ended_at: null })).toBeNull();
  expect(lastRunSeconds({ ...job, state: "running", started_at: at(59) })).toBeNull();
});

it("a kind that recurs says when", () => {
  expect(timesOf(kind)).toBe("every 1 min");
  expect(timesOf({ ...kind, every_seconds: null, cron: "30 3 * * * Europe/Prague" })).toBe("at 30 3 * * * Europe/Prague");
  expect(timesOf({ ...kind, every_seconds: null })).toBe("");
});

describe("the summary", () => {
  it("says that nobody is needed where nothing has failed for good", () => {
    expect(summaryOf({ kinds: [kind], reconcilers: [reconciler] })).toEqual({ isWell: true, text: "Everything goes well; nothing waits for a person." });
  });

  it("counts what a person has to look at", () => {
    const { isWell, text } = summaryOf({ kinds: [{ ...kind, dead: 1 }, { ...kind, dead: 1 }], reconcilers: [reconciler, failing] });
    expect(isWell).toBe(false);
    expect(text).toBe("2 jobs have failed too often and wait for a person. Of what goes on all the time, 1 of 2 fails.");
  });
});

it("what goes on all the time fails, goes well, or has not been done yet", () => {
  expect(reconcilerShape(reconciler).state).toBe("success");
  expect(reconcilerShape(failing).state).toBe("failed");
  expect(reconcilerShape({ ...reconciler, succeeded_at: null }).state).toBe("no_data");
});

describe("jobs are asked for again", () => {
  it("seldom while nothing is about to happen", () => {
    expect(refetchAfter([], now)).toBe(10_000);
    expect(refetchAfter([job, { ...job, state: "dead", run_at: at(-60) }], now)).toBe(10_000);
  });

  it("when the next one is due", () => {
    expect(refetchAfter([job, { ...job, run_at: at(3) }], now)).toBe(4000);
  });

  it("soon while one runs or should", () => {
    expect(refetchAfter([job, { ...job, state: "running", run_at: at(-1) }], now)).toBe(2000);
    expect(refetchAfter([job, { ...job, run_at: at(-1) }], now)).toBe(2000);
  });
});
