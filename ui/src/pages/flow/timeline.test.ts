import { expect, it } from "vitest";
import type { Flow, Job, Run } from "../../api/types";
import { ticksFor, timelineOf } from "./timeline";

const start = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();

function flowWith(job: Partial<Job>): Flow {
  const run = { id: "r", stage: "build", state: "running", outcome: null, started_at: at(0), finished_at: null, jobs: [job] };
  return { created_at: at(0), finished_at: null, runs: [run as unknown as Run] } as Flow;
}

it("a job that was lost waits, runs, waits again and runs again", () => {
  const flow = flowWith({
    id: "j",
    name: "test",
    state: "running",
    outcome: null,
    queued_at: at(0),
    attempts: [
      { started_at: at(10), finished_at: at(70), state: "finished", outcome: "lost" },
      { started_at: at(75), finished_at: null, state: "running", outcome: null },
    ] as Job["attempts"],
  });
  const row = timelineOf(flow, start + 100_000).rows[1];
  expect(row?.segments.map(({ kind, from, to }) => [kind, from, to])).toEqual([
    ["queued", 0, 10],
    ["lost", 10, 70],
    ["queued", 70, 75],
    ["ran", 75, 100],
  ]);
});

it("a job that has not started has waited until now", () => {
  const flow = flowWith({ id: "j", name: "test", state: "waiting", outcome: null, queued_at: at(5), attempts: [] });
  expect(timelineOf(flow, start + 65_000).rows[1]?.segments).toEqual([{ kind: "queued", from: 5, to: 65, state: "waiting" }]);
});

it("ticks are round and few", () => {
  expect(ticksFor(55)).toEqual([0, 10, 20, 30, 40, 50]);
  expect(ticksFor(0.5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  expect(ticksFor(7300).length).toBeLessThanOrEqual(7);
});
