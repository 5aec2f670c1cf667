import { expect, it } from "vitest";
import { increments, logarithmicSplits } from "./ticks";

it("time is counted as clocks and calendars do", () => {
  expect(increments("s")).toEqual(expect.arrayContaining([15, 300, 3 * 3600, 7200, 86_400]));
  expect(increments("s")).not.toContain(25);
});

it("milliseconds are counted alike", () => {
  expect(increments("ms")).toEqual(expect.arrayContaining([1, 500, 60_000]));
});

it("what counts by tens needs no help", () => {
  expect(increments("short")).toBeNull();
});

it("a logarithmic axis has the spans that one knows between its limits", () => {
  expect(logarithmicSplits("s", 30, 100_000)).toEqual([60, 600, 3600, 6 * 3600, 86_400]);
});
