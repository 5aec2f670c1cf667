import { describe, expect, it } from "vitest";
import { type ProjectStorage, projectsIn, rowsBySize, shareInWords, summaryOf, totalsOf } from "./shares";

const nothing: ProjectStorage = { project: null, flows: 0, oldest_flow_at: null, artifacts: 0, artifact_bytes: 0, log_bytes: 0, test_results: 0, goesNext: null };
const small: ProjectStorage = { ...nothing, project: "small", flows: 3, oldest_flow_at: "2026-02-01T00:00:00Z", artifacts: 2, artifact_bytes: 100, log_bytes: 50, test_results: 7 };
const large: ProjectStorage = { ...nothing, project: "large", flows: 9, oldest_flow_at: "2026-01-01T01:00:00+02:00", artifacts: 5, artifact_bytes: 600, log_bytes: 200, test_results: 1 };
const server: ProjectStorage = { ...nothing, log_bytes: 50 };

describe("rows by size", () => {
  it("stand largest first, whatever their artifacts and logs are of it", () => {
    expect(rowsBySize([small, server, large]).map((row) => [row.project, row.bytes])).toEqual([["large", 800], ["small", 150], [null, 50]]);
  });

  it("share all bytes", () => {
    const rows = rowsBySize([small, server, large]);
    expect(rows.map((row) => [row.artifactShare, row.logShare])).toEqual([[0.6, 0.2], [0.1, 0.05], [0, 0.05]]);
    expect(rows.reduce((sum, row) => sum + row.artifactShare + row.logShare, 0)).toBeCloseTo(1);
  });

  it("have no share of nothing, and stand by name with the server last", () => {
    const named = (project: string) => ({ ...nothing, project });
    const rows = rowsBySize([nothing, named("line-10"), named("line-9")]);
    expect(rows.map((row) => row.project)).toEqual(["line-9", "line-10", null]);
    expect(rows.every((row) => row.artifactShare === 0 && row.logShare === 0)).toBe(true);
  });

  it("are none where there is none", () => {
    expect(rowsBySize([])).toEqual([]);
  });
});

it("a share is written with at most one decimal, and a little one is not nothing", () => {
  expect([1, 0.9021, 0.001, 0.0009, 0].map(shareInWords)).toEqual(["100 %", "90.2 %", "0.1 %", "< 0.1 %", "0 %"]);
});

it("totals are sums, and the oldest flow is the oldest of all", () => {
  expect(totalsOf([small, server, large])).toEqual({
    bytes: 1000,
    artifacts: 7,
    artifactBytes: 700,
    logBytes: 300,
    flows: 12,
    oldestFlowAt: "2026-01-01T01:00:00+02:00",
    testResults: 8,
  });
  expect(totalsOf([]).oldestFlowAt).toBeNull();
});

it("the summary says whose the objects are, and what waits", () => {
  expect(summaryOf({ owner: "this", objects_to_remove: 0 })).toEqual({ isWell: true, text: "The object storage belongs to this server's database." });
  expect(summaryOf({ owner: "another", objects_to_remove: 1 })).toEqual({
    isWell: false,
    text: "The object storage belongs to another database. 1 object waits to be removed.",
  });
  expect(summaryOf({ owner: "nobody", objects_to_remove: 1200 }).text).toBe("The object storage does not say whose it is. 1,200 objects wait to be removed.");
});

it("the kinds of a project stand side by side, with what goes next", () => {
  const item = { project: "shop", count: 2, bytes: 30, oldest: "2026-01-01T00:00:00Z", goes_next: null };
  const items = [
    { ...item, kind: "flows" as const, bytes: null, goes_next: "2027-01-01T00:00:00Z" },
    { ...item, kind: "logs" as const, goes_next: "2026-04-01T00:00:00Z" },
    { ...item, kind: "artifacts" as const, bytes: 70 },
    { ...item, project: null, kind: "logs" as const },
  ];
  expect(projectsIn(items)).toEqual([
    {
      project: "shop",
      flows: 2,
      oldest_flow_at: "2026-01-01T00:00:00Z",
      artifacts: 2,
      artifact_bytes: 70,
      log_bytes: 30,
      test_results: 0,
      goesNext: { kind: "logs", at: "2026-04-01T00:00:00Z" },
    },
    { ...nothing, log_bytes: 30 },
  ]);
});
