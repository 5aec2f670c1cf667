import { expect, it } from "vitest";
import { type Explored, readExplored, writeExplored } from "./state";

const explored: Explored = { queries: ["up", "sum(x)"], source: "prometheus", view: "table", drawing: "bars", step: "1d" };

it("what the page shows comes back from its address", () => {
  expect(readExplored(writeExplored(explored))).toEqual(explored);
});

it("what is usual is left unsaid", () => {
  const usual: Explored = { queries: ["up"], source: "", view: "graph", drawing: "lines", step: "" };
  const written = writeExplored(usual);
  expect(Object.entries(written).filter(([, value]) => value !== undefined)).toEqual([["q", "up"]]);
});

it("a query that was taken out leaves no gap", () => {
  expect(readExplored({ q: "a", q3: "c" }).queries).toEqual(["a", "c"]);
});
