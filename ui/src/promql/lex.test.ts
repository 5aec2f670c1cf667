import { describe, expect, it } from "vitest";
import { placeAt } from "./complete";
import { lex, selectorsIn } from "./lex";

const kinds = (query: string) =>
  lex(query)
    .filter((token) => token.kind !== "space")
    .map((token) => `${token.kind} ${token.text}`);

describe("words of a query", () => {
  it("are told apart by where they stand", () => {
    expect(kinds("sum by (le) (rate(b{job=\"x\"}[5m]))")).toEqual([
      "function sum", "keyword by", "bracket (", "label le", "bracket )", "bracket (", "function rate", "bracket (", "metric b",
      "bracket {", "label job", "operator =", 'string "x"', "bracket }", "bracket [", "duration 5m", "bracket ]", "bracket )", "bracket )",
    ]);
  });

  it("a function's name without parentheses is a metric", () => {
    expect(kinds("rate + sum")).toEqual(["metric rate", "operator +", "metric sum"]);
  });

  it("give the text back whole", () => {
    for (const query of ['a{b="\\"c', "x # remark\n+ 1.5e3 ^ ${v:regex} $__interval", "§"]) {
      expect(lex(query).map((token) => token.text).join("")).toBe(query);
    }
  });
});

it("finds the metrics that a query reads, with their matchers", () => {
  expect(selectorsIn('sum(a{x="1",y=~"p|q"}) / on (x) b')).toEqual([
    { metric: "a", matchers: [{ label: "x", operator: "=", value: "1" }, { label: "y", operator: "=~", value: "p|q" }] },
    { metric: "b", matchers: [] },
  ]);
});

describe("what can stand at the cursor", () => {
  /** The cursor is where the bar is. */
  const at = (text: string) => {
    const cursor = text.indexOf("|");
    const { kind, typed, metric, label } = placeAt(text.replace("|", ""), cursor);
    return { kind, typed, metric, label };
  };

  it("a metric or a function", () => {
    expect(at("sum(kei|")).toEqual({ kind: "name", typed: "kei", metric: "", label: "" });
    expect(at("|")).toMatchObject({ kind: "name", typed: "" });
  });

  it("a label in a selector", () => {
    expect(at('flows{project="a", out|}')).toEqual({ kind: "label", typed: "out", metric: "flows", label: "" });
    expect(at("flows{|")).toMatchObject({ kind: "label", typed: "", metric: "flows" });
  });

  it("a value in its quotes, or before they are written", () => {
    expect(at('flows{project="ke|')).toEqual({ kind: "value", typed: "ke", metric: "flows", label: "project" });
    expect(at("flows{project=|")).toEqual({ kind: "value", typed: "", metric: "flows", label: "project" });
  });

  it("a label in a grouping", () => {
    expect(at("sum by (pro|) (flows)")).toEqual({ kind: "label", typed: "pro", metric: "flows", label: "" });
  });

  it("a duration in a range, and nothing in a remark or after a value", () => {
    expect(at("flows[7|").kind).toBe("duration");
    expect(at("# about |").kind).toBe("nothing");
    expect(at('flows{a="b"|').kind).toBe("nothing");
  });
});
