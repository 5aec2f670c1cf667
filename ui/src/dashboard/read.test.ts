import { describe, expect, it } from "vitest";
import { problemsOf } from "./testing";
import { readDashboard } from "./read";

const place = (x: number, y: number, w = 12, h = 8) => ({ x, y, w, h });
const series = { type: "timeseries", title: "Flows", gridPos: place(0, 1), targets: [{ refId: "A", expr: "keirin_flows_total" }] };

describe("a dashboard with a panel that nobody knows", () => {
  const dashboard = readDashboard({ title: "A", panels: [series, { type: "news", title: "News", gridPos: place(12, 1), targets: [{ expr: "up" }] }] });
  const panels = dashboard.rows.flatMap((row) => row.panels);

  it("keeps the panel, its place and its queries", () => {
    expect(panels[1]).toMatchObject({ kind: "unknown", type: "news", title: "News", place: { x: 12, w: 12 }, targets: [{ query: "up" }] });
  });

  it("reads the rest as if it were not there", () => {
    expect(panels[0]).toMatchObject({ kind: "timeseries", targets: [{ query: "keirin_flows_total", refId: "A" }] });
  });
});

describe("rows", () => {
  it("hold what stands below them, in the order of their places", () => {
    const { rows } = readDashboard({
      panels: [{ ...series, gridPos: place(0, 9) }, { type: "row", title: "Below", gridPos: place(0, 8, 24, 1) }, { type: "stat", gridPos: place(0, 0) }],
    });
    expect(rows.map((row) => [row.title, row.panels.map((panel) => panel.kind)])).toEqual([[null, ["stat"]], ["Below", ["timeseries"]]]);
    expect(rows[1]?.panels[0]?.place.y).toBe(0);
  });

  it("that are closed hold their panels themselves", () => {
    const { rows } = readDashboard({ panels: [{ type: "row", title: "Closed", collapsed: true, gridPos: place(0, 0, 24, 1), panels: [series] }] });
    expect(rows[0]).toMatchObject({ title: "Closed", collapsed: true, panels: [{ kind: "timeseries" }] });
  });

  it("of the form before version 16 put panels beside each other", () => {
    const { rows } = readDashboard({ rows: [{ title: "Old", showTitle: true, height: "250px", panels: [{ type: "graph", span: 8 }, { type: "singlestat", span: 8 }] }] });
    expect(rows[0]?.panels.map(({ kind, place: { x, y } }) => ({ kind, x, y }))).toEqual([
      { kind: "timeseries", x: 0, y: 0 },
      { kind: "stat", x: 0, y: 7 },
    ]);
  });
});

describe("whatever a file holds", () => {
  it("is read", () => {
    for (const file of [null, 3, [], { panels: "none" }, { panels: [null, 3, {}] }, { templating: { list: [null, { type: "query" }] } }, { time: 5, refresh: {} }]) {
      expect(readDashboard(file).title).toBe("Without a title");
    }
  });

  it("is told of where it is not drawn", () => {
    const { notes } = readDashboard({ templating: { list: [{ name: "x", type: "adhoc" }] }, annotations: { list: [{ name: "Deploys", enable: true }] } });
    expect(notes).toEqual(["Annotations are not drawn.", "The variable x is of the kind adhoc, which is not read."]);
  });
});

it("the dashboards that come with the program are read whole", () => {
  expect(problemsOf()).toEqual([]);
});
