import { expect, it, describe } from "vitest";
import type { InstantAnswer } from "../api/prometheus";
import { bucketsOf, fieldsOf, tableOf } from "./frames";
import type { Json } from "./json";
import type { Panel } from "./model";
import { readDashboard } from "./read";
import { reduce } from "./reduce";

function panelOf(panel: Json): Panel {
  const [found] = readDashboard({ panels: [panel] }).rows.flatMap((row) => row.panels);
  if (found === undefined) throw new Error("it has no panel");
  return found;
}

function fields(panel: Panel, ...answers: InstantAnswer["rows"][]) {
  const answered = answers.map((rows, index) => {
    const target = panel.targets[index];
    if (target === undefined) throw new Error("it has no such query");
    return { target, query: target.query, legend: target.legend, answer: { time: 60, rows, warnings: [], infos: [] } };
  });
  return fieldsOf(answered, panel);
}

const last = (values: readonly (number | null)[]) => reduce(values, "lastNotNull");

describe("a table of several queries", () => {
  const panel = panelOf({
    type: "table",
    targets: [{ refId: "A", expr: "took" }, { refId: "B", expr: "failed" }],
    transformations: [
      { id: "merge" },
      { id: "organize", options: { excludeByName: { Time: true, project: true }, indexByName: { job: 0, "Value #B": 1, "Value #A": 2 }, renameByName: { job: "Job", "Value #A": "Took", "Value #B": "Failed" } } },
      { id: "sortBy", options: { sort: [{ field: "Took", desc: true }] } },
    ],
  });
  const one = { project: "p", job: "lint" };
  const other = { project: "p", job: "build" };
  const table = tableOf(fields(panel, [{ labels: one, value: 3 }, { labels: other, value: 9 }], [{ labels: other, value: 1 }]), panel, last);

  it("has a row for the same labels, named and ordered as its file says", () => {
    expect(table.columns.map((column) => column.name)).toEqual(["Job", "Failed", "Took"]);
    expect(table.rows).toEqual([["build", 1, 9], ["lint", null, 3]]);
  });

  it("knows the query behind each figure", () => {
    expect(table.behind.map((row) => row.map((field) => field?.query ?? null))).toEqual([[null, "failed", "took"], [null, null, "took"]]);
  });
});

it("the buckets of a histogram hold what is between their edges", () => {
  const panel = panelOf({ type: "heatmap", targets: [{ expr: "x_bucket", legendFormat: "{{le}}" }] });
  const rows = [["+Inf", 9], ["1", 2], ["5", 7]].map(([le, value]) => ({ labels: { le: String(le) }, value: Number(value) }));
  expect(bucketsOf(fields(panel, rows)).map(({ edge, above, values }) => [edge, above, values[0]])).toEqual([
    [1, 0, 2],
    [5, 1, 5],
    [Number.POSITIVE_INFINITY, 5, 2],
  ]);
});

it("an override names and colours the series that it means, and no other", () => {
  const panel = panelOf({
    type: "timeseries",
    targets: [{ expr: "x", legendFormat: "{{outcome}}" }],
    fieldConfig: { defaults: { unit: "s" }, overrides: [{ matcher: { id: "byName", options: "timed_out" }, properties: [{ id: "displayName", value: "timed out" }, { id: "unit", value: "none" }] }] },
  });
  const [first, second] = fields(panel, [{ labels: { outcome: "timed_out" }, value: 1 }, { labels: { outcome: "success" }, value: 2 }]);
  expect([first?.name, first?.look.unit]).toEqual(["timed out", "none"]);
  expect([second?.name, second?.look.unit]).toEqual(["success", "s"]);
});
