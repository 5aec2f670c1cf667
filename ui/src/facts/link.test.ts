import { describe, expect, it } from "vitest";
import { factsOf, spanBehind } from "./link";

const day = 86_400;
const counts = (bucket: number) => ({ bucket, looksBack: bucket });
const buckets = new Map([["keirin_flows_total", counts(3600)], ["keirin_flow_duration_seconds", counts(3600)]]);
/** 2023-11-15T00:00:00Z */
const midnight = 1_700_006_400;
const link = (query: string, labels = {}, time = midnight) => factsOf(query, labels, time, (metric) => buckets.get(metric));

it("names the metric, its labels and the time", () => {
  expect(link('sum by (outcome) (sum_over_time(keirin_flows_total{project="a",outcome!="lost"}[1d]))', { outcome: "failed" })).toEqual({
    metric: "keirin_flows_total",
    from: "2023-11-14T01:00:00Z",
    until: "2023-11-15T01:00:00Z",
    "label.project": "a",
    "label.outcome": "failed",
  });
});

it("a histogram's parts lead to the histogram", () => {
  const found = link('histogram_quantile(0.5, sum by (le) (sum_over_time(keirin_flow_duration_seconds_bucket{branch=~"main"}[7d])))', { le: "5" });
  expect(found).toMatchObject({ metric: "keirin_flow_duration_seconds", "label.branch": "main" });
  expect(found).not.toHaveProperty("label.le");
});

it("what is not made of facts leads nowhere", () => {
  expect(link("up")).toBeNull();
});

describe("the time behind a value", () => {
  it("begins after the open edge and holds the newest bucket whole", () => {
    expect(spanBehind("sum_over_time(x[7d])", midnight, counts(day))).toEqual({ from: midnight - 6 * day, until: midnight + day });
  });

  it("is the same a moment later", () => {
    expect(spanBehind("sum_over_time(x[7d])", midnight + 100, counts(day))).toEqual({ from: midnight - 6 * day, until: midnight + day });
  });

  it("of a level is as long as the level looks back, whatever it is looked for in", () => {
    expect(spanBehind("last_over_time(x[2d])", midnight + 100, { bucket: day, looksBack: 90 * day })).toEqual({ from: midnight - 89 * day, until: midnight + day });
  });

  it("is as long as the range, whenever it is asked", () => {
    for (const offset of [0, 1, 4000, 86_399]) {
      const { from, until } = spanBehind("sum_over_time(x[7d])", midnight + offset, counts(3600));
      expect(until - from).toBe(7 * day);
    }
  });
});
