import { describe, expect, it } from "vitest";
import { duration, moment, oneOf, positiveInteger, rangeSchema, readSearch, string, tableSchema } from "./search";

const read = readSearch({ ...tableSchema, ...rangeSchema, tab: oneOf("log", "tests"), attempt: positiveInteger, step: duration }, "var-");

it("a parameter that is absent stays absent: it does not become the text that says so", () => {
  const absent = { sort: undefined, filter: undefined, from: undefined, to: undefined, tab: undefined, attempt: undefined, step: undefined };
  expect(read({})).toEqual(absent);
  expect(read({ ...absent, "var-project": undefined })).toEqual({ ...absent, "var-project": undefined });
});

it("what is valid is read as what it is", () => {
  expect(read({ tab: "tests", attempt: "2", from: "now-7d", to: "2026-01-01T00:00:00Z", step: "1d", filter: "a b", "var-project": "keirin" })).toMatchObject({
    tab: "tests",
    attempt: 2,
    from: "now-7d",
    to: "2026-01-01T00:00:00Z",
    step: "1d",
    filter: "a b",
    "var-project": "keirin",
  });
  expect(read({ attempt: 3 })).toMatchObject({ attempt: 3 });
});

it("what is not valid counts as absent, so that an old or a mistyped address still shows its page", () => {
  expect(read({ tab: "undefined", attempt: "undefined", from: "undefined", to: "soon", step: "long", filter: "" })).toMatchObject({
    tab: undefined,
    attempt: undefined,
    from: undefined,
    to: undefined,
    step: undefined,
    filter: undefined,
  });
});

it("names that the schema does not know are not read", () => {
  expect(read({ elsewhere: "1" })).not.toHaveProperty("elsewhere");
});

describe("readers", () => {
  it.each([undefined, null, "", {}, Number.NaN])("give nothing for %j", (said) => {
    for (const reader of [string, positiveInteger, moment, duration, oneOf("a")]) expect(reader(said)).toBeUndefined();
  });

  it.each(["0", "-1", "1.5", "1e3", "x"])("an attempt is not %s", (said) => {
    expect(positiveInteger(said)).toBeUndefined();
  });
});
