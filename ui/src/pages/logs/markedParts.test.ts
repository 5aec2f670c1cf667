import { expect, it } from "vitest";
import { markedParts } from "./markedParts";

const texts = (line: string, ...ranges: { start: number; end: number }[]) =>
  markedParts(line, ranges).map(({ text, marked }) => (marked ? `[${text}]` : text));

it("counts bytes, so that letters beyond ASCII do not shift the mark", () => {
  expect(texts("für error: größer", { start: 5, end: 10 })).toEqual(["für ", "[error]", ": größer"]);
});

it("does not count colours", () => {
  expect(texts("\u001b[31mred\u001b[0m and error", { start: 8, end: 13 })).toEqual(["red and ", "[error]"]);
});

it("marks each match", () => {
  expect(texts("a b a", { start: 0, end: 1 }, { start: 4, end: 5 })).toEqual(["[a]", " b ", "[a]"]);
});
