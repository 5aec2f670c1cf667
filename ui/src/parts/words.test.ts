import { describe, expect, it } from "vitest";
import { agoInWords, bytesInWords, counted, inWords, preciselyInWords } from "./words";

describe("spans in words", () => {
  it("name the two largest units", () => {
    expect(inWords(12)).toBe("12 s");
    expect(inWords(192)).toBe("3 min 12 s");
    expect(inWords(180)).toBe("3 min");
    expect(inWords(3661)).toBe("1 h 1 min");
    expect(inWords(90_000)).toBe("1 d 1 h");
  });

  it("are precise where something was quick", () => {
    expect(preciselyInWords(0.0421)).toBe("42 ms");
    expect(preciselyInWords(1.44)).toBe("1.4 s");
    expect(preciselyInWords(9.97)).toBe("10 s");
  });

  it("look back and forward", () => {
    expect(agoInWords(2)).toBe("now");
    expect(agoInWords(7200)).toBe("2 h ago");
    expect(agoInWords(-300)).toBe("in 5 min");
  });
});

it("one is singular", () => {
  expect(counted(1, "job")).toBe("1 job");
  expect(counted(0, "job")).toBe("0 jobs");
  expect(counted(1204, "entry", "entries")).toBe("1,204 entries");
});

it("bytes have a unit that fits", () => {
  expect(bytesInWords(999)).toBe("999 B");
  expect(bytesInWords(1400)).toBe("1.4 kB");
  expect(bytesInWords(999_900)).toBe("1.0 MB");
});
