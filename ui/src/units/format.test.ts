import { describe, expect, it } from "vitest";
import { format } from "./format";

const shown = (value: number | null, unit: string, decimals: number | null = null) => format(value, { unit, decimals });

describe("figures with their unit", () => {
  it("have about three digits", () => {
    expect(shown(1234, "none")).toBe("1,234");
    expect(shown(12.3456, "none")).toBe("12.3");
    expect(shown(0.001234, "none")).toBe("0.0012");
    expect(shown(1_234_567, "short")).toBe("1.23 M");
    expect(shown(999_900, "short")).toBe("1 M");
  });

  it("keep the digits that were asked for", () => {
    expect(shown(12, "none", 2)).toBe("12.00");
    expect(shown(0.12345, "percentunit", 1)).toBe("12.3 %");
  });

  it("of time go from one unit to the next", () => {
    expect(shown(0.042, "s")).toBe("42 ms");
    expect(shown(192, "s")).toBe("3.2 min");
    expect(shown(100_800, "s")).toBe("1.17 d");
    expect(shown(90, "m")).toBe("1.5 h");
    expect(shown(1500, "ms")).toBe("1.5 s");
  });

  it("of bytes go by 1024 or by 1000", () => {
    expect(shown(1536, "bytes")).toBe("1.5 KiB");
    expect(shown(1500, "decbytes")).toBe("1.5 kB");
    expect(shown(512, "bytes")).toBe("512 B");
  });

  it("zero, no data and infinity are three things", () => {
    expect(shown(0, "s")).toBe("0 s");
    expect(shown(null, "s")).toBe("no data");
    expect(shown(Number.NaN, "s")).toBe("no data");
    expect(shown(Number.POSITIVE_INFINITY, "s")).toBe("∞");
  });

  it("a unit that is not known stands behind the figure", () => {
    expect(shown(3, "people")).toBe("3 people");
    expect(shown(3, "suffix: apples")).toBe("3 apples");
    expect(shown(2500, "reqps")).toBe("2.5 k req/s");
  });
});
