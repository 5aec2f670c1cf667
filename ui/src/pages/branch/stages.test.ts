import { expect, it } from "vitest";
import type { FlowSummary, RunSummary } from "../../api/types";
import { stagesOf, trendOf } from "./stages";

function run(stage: string, seconds: number | null, outcome: RunSummary["outcome"] = "success"): RunSummary {
  return {
    id: stage,
    stage,
    state: seconds === null ? "waiting" : "finished",
    outcome: seconds === null ? null : outcome,
    started_at: seconds === null ? null : "2026-01-01T00:00:00Z",
    finished_at: seconds === null ? null : new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1000).toISOString(),
    tests: null,
  };
}

function flow(...runs: RunSummary[]): FlowSummary {
  return { runs } as FlowSummary;
}

it("columns follow the newest flow, and older stages keep their place beside their neighbours", () => {
  const flows = [flow(run("build", 1), run("deploy", 1)), flow(run("build", 1), run("lint", 1), run("deploy", 1))];
  expect(stagesOf(flows)).toEqual(["build", "lint", "deploy"]);
});

it("a trend counts what has ended and was not skipped", () => {
  const flows = [flow(run("build", 10)), flow(run("build", 30, "failed")), flow(run("build", 20)), flow(run("build", null))];
  expect(trendOf("build", flows)).toEqual({ finished: 3, good: 2, medianSeconds: 20 });
  expect(trendOf("deploy", flows)).toBeNull();
});
