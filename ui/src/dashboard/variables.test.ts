import { describe, expect, it } from "vitest";
import type { Json } from "./json";
import { readDashboard } from "./read";
import { spread } from "./layout";
import { filled, type LabelSource, readQuestion, settle, splitList } from "./variables";

const span = { from: 0, until: 3600 };
const variables = (...list: Json[]) => readDashboard({ templating: { list } }).variables;

/** Answers with the question where a test wants to see it. */
const labels: LabelSource = {
  values: (_, label, match) => Promise.resolve(label === "branch" ? ["main", "release/1.x", match] : ["b", "a"]),
  names: () => Promise.resolve(["job"]),
  query: (_, query) => Promise.resolve([query]),
};
const settled = (wanted: Record<string, string[]>, ...list: Json[]) => settle(variables(...list), wanted, { span, sources: ["keirin"], labels });

const project = { name: "project", type: "query", query: "label_values(keirin_flows_total, project)", sort: 1 };
const branch = { name: "branch", type: "query", query: { query: 'label_values(keirin_flows_total{project="$project"}, branch)' }, multi: true, includeAll: true, allValue: ".*" };

describe("a variable", () => {
  it("asks with the values of those before it", async () => {
    const [, second] = await settled({ project: ["b"] }, project, branch);
    expect(second?.options.map((option) => option.value)).toContain('keirin_flows_total{project="b"}');
  });

  it("has the first value in its order where none is wanted, or one that is not there", async () => {
    expect((await settled({}, project))[0]?.chosen).toEqual(["a"]);
    expect((await settled({ project: ["gone"] }, project))[0]?.chosen).toEqual(["a"]);
  });

  it("stands for all where it may and none is chosen", async () => {
    const all = await settled({}, project, branch);
    expect(filled('x{branch=~"$branch"}', all, span, 60)).toBe('x{branch=~".*"}');
  });

  it("of several values becomes one expression that means just these", async () => {
    const two = await settled({ branch: ["main", "release/1.x"] }, project, branch);
    expect(filled('x{branch=~"$branch"}', two, span, 60)).toBe('x{branch=~"(main|release/1\\\\.x)"}');
    expect(filled("On ${branch:text}", two, span, 60, {}, "words")).toBe("On main + release/1.x");
  });

  it("cannot end the text that it stands in", async () => {
    const one = await settled({ name: ['a"} or up{x="'] }, { name: "name", type: "textbox" });
    expect(filled('x{a="$name"}', one, span, 60)).toBe('x{a="a\\"} or up{x=\\""}');
  });

  it("takes part of what was found by its expression", async () => {
    const [one] = await settled({}, { ...branch, multi: false, includeAll: false, regex: "/release/(.*)/" });
    expect(one?.options).toEqual([{ text: "1.x", value: "1.x" }]);
  });

  it("that cannot be asked for has no values, says why, and refuses no other", async () => {
    const failing: LabelSource = { ...labels, query: () => Promise.reject(new Error("the query cannot be read")) };
    const odd = { name: "odd", type: "query", query: "query_result(up{)" };
    const [first, second] = await settle(variables(odd, project), {}, { span, sources: ["keirin"], labels: failing });
    expect(first).toMatchObject({ options: [], chosen: [], fault: "the query cannot be read" });
    expect(second).toMatchObject({ chosen: ["a"], fault: null });
  });

  it("that is not known stays as it is written", async () => {
    expect(filled("$other ${other:csv} $__interval [$__range]", await settled({}), span, 60)).toBe("$other ${other:csv} 1m [1h]");
  });
});

it("Grafana's questions are understood", () => {
  expect(readQuestion('label_values(up{job="a, b"}, instance)')).toEqual({ ask: "values", match: 'up{job="a, b"}', label: "instance" });
  expect(readQuestion("label_values(job)")).toEqual({ ask: "values", match: "", label: "job" });
  expect(readQuestion("metrics(node_.*)")).toEqual({ ask: "metrics", pattern: "node_.*" });
  expect(readQuestion("query_result(topk(3, up))")).toEqual({ ask: "query", query: "topk(3, up)" });
});

it("a list has names beside its values where it says so", () => {
  expect(splitList("1m, an hour : 1h, a\\, b")).toEqual([
    { text: "1m", value: "1m" },
    { text: "an hour", value: "1h" },
    { text: "a, b", value: "a, b" },
  ]);
});

it("a panel is repeated for each value, and what stands below moves down", async () => {
  const chosen = await settled({ branch: ["main", "release/1.x"] }, project, branch);
  const { rows } = readDashboard({
    panels: [
      { type: "stat", repeat: "branch", maxPerRow: 1, gridPos: { x: 0, y: 0, w: 24, h: 4 } },
      { type: "text", gridPos: { x: 0, y: 4, w: 24, h: 2 } },
    ],
  });
  const panels = spread(rows, chosen).flatMap((row) => row.panels);
  expect(panels.map(({ scope, place: { y } }) => [scope.branch, y])).toEqual([["main", 0], ["release/1.x", 4], [undefined, 8]]);
});
