import { describe, expect, it } from "vitest";
import type { Metric } from "../api/measure";
import type { Json } from "../dashboard/json";
import { readDashboard } from "../dashboard/read";
import { provided } from "../dashboard/testing";
import { betterOf, figuresOf, metricsIn } from "./figures";
import { insights } from "./insights";

const metric = (name: string, better: Metric["better"]): Metric => ({ name, kind: "gauge", unit: "", help: "", bucket_seconds: 3600, looks_back_seconds: 3600, labels: [], better, example: name, facts: "flow" });
const metrics = [metric("keirin_flows_total", "neither"), metric("keirin_flow_duration_seconds", "lower")];
const ratio = "sum(sum_over_time(keirin_flows_total[$__range])) / ($__range_s / 60)";
const first = (panel: Json) => {
  const [figure] = figuresOf(readDashboard({ panels: [{ type: "stat", title: "A", targets: [{ expr: ratio }], ...panel }] }).rows);
  if (figure === undefined) throw new Error("it has no figure");
  return figure;
};

it("the line of a figure asks for each step what the figure asks for the whole", () => {
  expect(first({}).lineQuery).toBe("sum(sum_over_time(keirin_flows_total[$__interval])) / (($__interval_ms / 1000) / 60)");
});

it("figures stand before the first titled row, and only single ones count", () => {
  const { rows } = readDashboard({
    panels: [
      { type: "stat", title: "A", targets: [{ expr: "up" }], gridPos: { x: 0, y: 0 } },
      { type: "timeseries", title: "B", targets: [{ expr: "up" }], gridPos: { x: 12, y: 0 } },
      { type: "row", title: "C", gridPos: { x: 0, y: 8 } },
      { type: "stat", title: "D", targets: [{ expr: "up" }], gridPos: { x: 0, y: 9 } },
    ],
  });
  expect(figuresOf(rows).map((figure) => figure.title)).toEqual(["A"]);
});

describe("which way is better", () => {
  const thresholds = (...colours: string[]) => ({ fieldConfig: { defaults: { thresholds: { mode: "absolute", steps: colours.map((color, index) => ({ color, value: index === 0 ? null : index })) } } } });

  it("is said by where green is", () => {
    expect(betterOf(first(thresholds("red", "green")), metrics)).toBe("higher");
    expect(betterOf(first(thresholds("green", "red")), metrics)).toBe("lower");
  });

  it("is else said by the metric", () => {
    expect(betterOf(first({}), metrics)).toBe("neither");
    expect(betterOf(first({ targets: [{ expr: "histogram_quantile(0.5, keirin_flow_duration_seconds_bucket)" }] }), metrics)).toBe("lower");
  });
});

it("a histogram's series are named by the histogram, each metric once", () => {
  const queries = ["keirin_flow_duration_seconds_bucket / keirin_flow_duration_seconds_count", "up"];
  expect(metricsIn(queries, metrics).map((one) => one.name)).toEqual(["keirin_flow_duration_seconds"]);
});

describe("each insight", () => {
  const dashboards = new Map(provided().map((dashboard) => [dashboard.uid, dashboard]));
  for (const { title, dashboard: uid, about } of insights) {
    it(`${title} has a dashboard with figures, questions and what it is about`, () => {
      const dashboard = dashboards.get(uid);
      expect(figuresOf(dashboard?.rows ?? []).length).toBeGreaterThanOrEqual(4);
      expect(dashboard?.rows.some((row) => row.title?.endsWith("?"))).toBe(true);
      expect(dashboard?.variables.map((variable) => variable.name)).toContain(about);
    });
  }
});
