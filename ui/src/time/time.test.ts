import { describe, expect, it } from "vitest";
import { absoluteRange, pointsOf, rangeInWords, readMoment, resolveRange } from "./range";
import { readDuration, stepFor, writeDuration } from "./step";

/** A Saturday. */
const now = Date.parse("2026-11-21T07:30:15Z");
const moment = (text: string, end = false) => {
  const seconds = readMoment(text, now, end);
  return seconds === null ? null : new Date(seconds * 1000).toISOString();
};

describe("moments", () => {
  it("are counted from now", () => {
    expect(moment("now")).toBe("2026-11-21T07:30:15.000Z");
    expect(moment("now-90d")).toBe("2026-08-23T07:30:15.000Z");
    expect(moment("now-1d+2h")).toBe("2026-11-20T09:30:15.000Z");
    expect(moment("now-1M")).toBe("2026-10-21T07:30:15.000Z");
  });

  it("are rounded down at the beginning and up at the end", () => {
    expect(moment("now/d")).toBe("2026-11-21T00:00:00.000Z");
    expect(moment("now/d", true)).toBe("2026-11-21T23:59:59.000Z");
    expect(moment("now/w")).toBe("2026-11-16T00:00:00.000Z");
    expect(moment("now-1y/y")).toBe("2025-01-01T00:00:00.000Z");
  });

  it("are written out, in seconds or in milliseconds", () => {
    expect(moment("2026-11-01T00:00:00Z")).toBe("2026-11-01T00:00:00.000Z");
    expect(moment("1700000000")).toBe(moment("1700000000000"));
    expect(moment("yesterday")).toBeNull();
  });
});

it("a range the wrong way round is an hour before its end", () => {
  expect(resolveRange({ from: "now", to: "now-1d" }, now).until - resolveRange({ from: "now", to: "now-1d" }, now).from).toBe(3600);
});

it("a range is said in words", () => {
  expect(rangeInWords({ from: "now-90d", to: "now" }, now)).toBe("Last 90 days");
  expect(rangeInWords({ from: "now-3w", to: "now" }, now)).toBe("Last 3 weeks");
  expect(rangeInWords(absoluteRange(1_700_006_400, 1_700_092_800), now)).toBe("15 Nov 2023 to 16 Nov 2023");
});

describe("points of a chart", () => {
  it("lie on multiples of the step", () => {
    expect(pointsOf({ from: 95, until: 340 }, 60)).toEqual([120, 180, 240, 300]);
  });

  it("of steps longer than a day end with the last whole hour too, so that today is among them", () => {
    const day = 86_400;
    expect(pointsOf({ from: 0, until: 20.51 * day }, 7 * day)).toEqual([6.5 * day, 13.5 * day, 20.5 * day]);
  });

  it("of steps of some hours end with the last whole hour", () => {
    expect(pointsOf({ from: 0, until: 9.5 * 3600 }, 4 * 3600)).toEqual([3600, 5 * 3600, 9 * 3600]);
  });

  it("are never none", () => {
    expect(pointsOf({ from: 100, until: 110 }, 60)).toEqual([60]);
  });
});

it("the step grows with the range and is never shorter than the least", () => {
  expect(stepFor(3600, 300)).toBe(15);
  expect(stepFor(90 * 86_400, 300)).toBe(43_200);
  expect(stepFor(90 * 86_400, 300, 86_400)).toBe(86_400);
  expect(stepFor(10 * 365 * 86_400, 100)).toBe(91 * 86_400);
});

it("durations are read and written as PromQL does", () => {
  expect(readDuration("1h30m")).toBe(5400);
  expect(readDuration(">2d")).toBe(172_800);
  expect(readDuration("90")).toBe(90);
  expect(readDuration("soon")).toBeNull();
  expect(writeDuration(604_800)).toBe("7d");
  expect(writeDuration(90)).toBe("90s");
  expect(writeDuration(0.25)).toBe("250ms");
});
