/** The columns of the grid of flows. */
import type { FlowSummary } from "../../api/types";

/** Every stage that one of the flows has, in the order of the newest flow that has it. */
export function stagesOf(flows: readonly FlowSummary[]): string[] {
  const stages: string[] = [];
  for (const flow of flows) {
    let before = -1;
    for (const run of flow.runs) {
      const at = stages.indexOf(run.stage);
      if (at >= 0) before = at;
      else {
        before += 1;
        stages.splice(before, 0, run.stage);
      }
    }
  }
  return stages;
}

export interface Trend {
  finished: number;
  good: number;
  medianSeconds: number;
}

/** How a stage did in these flows; null where none of its runs has ended. */
export function trendOf(stage: string, flows: readonly FlowSummary[]): Trend | null {
  const runs = flows
    .map((flow) => flow.runs.find((run) => run.stage === stage))
    .filter((run) => run?.state === "finished" && run.outcome !== "skipped" && run.started_at !== null);
  const seconds = runs
    .map((run) => (Date.parse(run?.finished_at ?? "") - Date.parse(run?.started_at ?? "")) / 1000)
    .filter((span) => !Number.isNaN(span))
    .toSorted((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  if (median === undefined) return null;
  return { finished: runs.length, good: runs.filter((run) => run?.outcome === "success").length, medianSeconds: median };
}
