/** Variables of a dashboard: which values they can have, which they have, and how a query takes them in. */
import { builtins, interpolate } from "../promql/builtins";
import type { Span } from "../time/range";
import { readDuration, stepFor, writeDuration } from "../time/step";
import { readPattern } from "./fields";
import { all, autoInterval, type Option, type Variable } from "./model";

/** A variable with what it can be and what it is. */
export interface Settled {
  variable: Variable;
  options: Option[];
  /** One value, or several where it may have them; `all` alone for every one. */
  chosen: string[];
  /** Why its values could not be asked for; null where they could. */
  fault: string | null;
}

/** What answers questions about labels; takes the data source's name. */
export interface LabelSource {
  values: (source: string, label: string, match: string) => Promise<string[]>;
  names: (source: string) => Promise<string[]>;
  query: (source: string, query: string) => Promise<string[]>;
}

export interface Surroundings {
  span: Span;
  sources: readonly string[];
  labels: LabelSource;
}

/** Works them out one after the other, because each may ask with the values of those before it. One that cannot be asked
 * for has no values and says why; the others have theirs. */
export async function settle(variables: readonly Variable[], wanted: Record<string, string[] | undefined>, around: Surroundings): Promise<Settled[]> {
  const settled: Settled[] = [];
  for (const variable of variables) {
    // oxlint-disable-next-line no-await-in-loop -- each may need the one before it
    const { options, fault } = await optionsOf(variable, settled, around).then(
      (found) => ({ options: found, fault: null }),
      (error: unknown) => ({ options: [], fault: faultOf(error) }),
    );
    settled.push({ variable, options, chosen: choose(variable, options, wanted[variable.name]), fault });
  }
  return settled;
}

/** A question that was given up is no fault of the variable: nobody waits for the answer. */
function faultOf(error: unknown): string {
  if (error instanceof Error && (error.name === "AbortError" || error.name === "CancelledError")) throw error;
  return error instanceof Error ? error.message : String(error);
}

async function optionsOf(variable: Variable, settled: readonly Settled[], { span, sources, labels }: Surroundings): Promise<Option[]> {
  switch (variable.kind) {
    case "custom":
      return splitList(variable.query);
    case "constant":
      return [{ text: variable.query, value: variable.query }];
    case "textbox":
      return [];
    case "datasource":
      return sources.map((name) => ({ text: name, value: name }));
    case "interval": {
      const given = splitList(variable.query);
      return variable.auto === null ? given : [{ text: "by itself", value: autoInterval }, ...given];
    }
    case "query": {
      const fill = (text: string) => filled(text, settled, span, 60);
      const found = await answer(readQuestion(fill(variable.query)), fill(variable.source), labels);
      return sorted(filtered(found, fill(variable.regex)), variable.sort);
    }
  }
}

type Question = { ask: "values"; label: string; match: string } | { ask: "names" } | { ask: "metrics"; pattern: string } | { ask: "query"; query: string };

/** What Grafana's functions for variables of Prometheus ask for. */
export function readQuestion(text: string): Question {
  const query = text.trim();
  const values = /^label_values\((?:(.+),)?\s*([\w:]+)\s*\)$/s.exec(query);
  if (values) return { ask: "values", match: (values[1] ?? "").trim(), label: values[2] ?? "" };
  if (query.startsWith("label_names(")) return { ask: "names" };
  const metrics = /^metrics\((.*)\)$/s.exec(query);
  if (metrics) return { ask: "metrics", pattern: metrics[1] ?? "" };
  return { ask: "query", query: /^query_result\((.*)\)$/s.exec(query)?.[1] ?? query };
}

async function answer(question: Question, source: string, labels: LabelSource): Promise<string[]> {
  switch (question.ask) {
    case "values":
      return labels.values(source, question.label, question.match);
    case "names":
      return labels.names(source);
    case "metrics": {
      const pattern = readPattern(question.pattern);
      return (await labels.values(source, "__name__", "")).filter((name) => pattern?.test(name) ?? true);
    }
    case "query":
      return question.query === "" ? [] : labels.query(source, question.query);
  }
}

/** "a, b : B, c\, d": a value, or its name and its value; a comma behind a backslash belongs to it. */
export function splitList(text: string): Option[] {
  return (text.match(/(?:\\,|[^,])+/g) ?? [])
    .map((one) => one.replaceAll("\\,", ",").trim())
    .filter((one) => one !== "")
    .map((one) => {
      const named = /^(.+?)\s+:\s+(.+)$/.exec(one);
      return named ? { text: named[1] ?? "", value: named[2] ?? "" } : { text: one, value: one };
    });
}

/** A regular expression picks values out, and with a group a part of each. */
function filtered(values: readonly string[], regex: string): Option[] {
  const pattern = regex === "" ? null : readPattern(regex);
  const options = values.flatMap((value): Option[] => {
    if (pattern === null) return [{ text: value, value }];
    const found = pattern.exec(value);
    if (found === null) return [];
    const { text, value: named } = found.groups ?? {};
    const part = named ?? text ?? found[1] ?? value;
    return [{ text: text ?? part, value: part }];
  });
  return options.filter((option, index) => options.findIndex((other) => other.value === option.value) === index);
}

function sorted(options: Option[], sort: number): Option[] {
  if (sort === 0) return options;
  const plain = (a: Option, b: Option) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
  const loose = (a: Option, b: Option) => a.text.localeCompare(b.text, "en", { sensitivity: "base", numeric: sort >= 7 });
  const byNumber = (a: Option, b: Option) => (Number.parseFloat(a.text) || 0) - (Number.parseFloat(b.text) || 0);
  const rising = options.toSorted(sort >= 5 ? loose : sort >= 3 ? byNumber : plain);
  return sort % 2 === 0 ? rising.toReversed() : rising;
}

/** What the address asks for counts, then what the file has; what is not there any more is passed over. */
function choose(variable: Variable, options: readonly Option[], wanted: readonly string[] | undefined): string[] {
  if (variable.kind === "textbox") return [wanted?.[0] ?? variable.current[0] ?? variable.query];
  if (variable.kind === "constant") return [variable.query];
  const known = (value: string) => (value === all && variable.includeAll) || options.some((option) => option.value === value);
  for (const choice of [wanted, variable.current.map((value) => (value === "All" && variable.includeAll ? all : value))]) {
    const there = choice?.filter(known) ?? [];
    if (there.includes(all)) return [all];
    if (there.length > 0) return variable.multi ? there : there.slice(0, 1);
  }
  if (variable.includeAll) return [all];
  const [first] = options;
  return first === undefined ? [] : [first.value];
}

/** A text with its variables filled in. Where nothing else is said they are written as a query wants them. */
export function filled(text: string, settled: readonly Settled[], span: Span, step: number, scope: Record<string, string> = {}, use: "query" | "words" = "query"): string {
  const known = builtins(step, span);
  return interpolate(text, (name, format) => {
    if (name === "__interval" || name === "__rate_interval" || known[name] !== undefined) return known[name];
    const found = settled.find((one) => one.variable.name === name);
    if (found === undefined) return undefined;
    const own = scope[name];
    const one = own === undefined ? found : { ...found, chosen: [own] };
    return written(one, format || (use === "words" ? "text" : ""), span);
  });
}

function written({ variable, options, chosen }: Settled, format: string, span: Span): string {
  if (variable.kind === "interval" && chosen[0] === autoInterval) {
    return writeDuration(stepFor(span.until - span.from, variable.auto ?? 30, readDuration(variable.autoLeast) ?? 1));
  }
  const isAll = chosen[0] === all;
  if (isAll && format === "text") return "All";
  if (isAll && variable.allValue !== "" && format !== "text") return variable.allValue;
  const values = isAll ? options.map((option) => option.value) : chosen;
  const several = variable.multi || variable.includeAll;
  switch (format) {
    case "":
      return several && variable.kind !== "datasource" ? asPattern(values) : (values[0] ?? "").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
    case "regex":
      return asPattern(values);
    case "pipe":
      return values.join("|");
    case "csv":
    case "raw":
      return values.join(",");
    case "text":
      return values.map((value) => options.find((option) => option.value === value)?.text ?? value).join(" + ");
    case "json":
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case "singlequote":
      return values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(",");
    case "doublequote":
      return values.map((value) => `"${value.replaceAll('"', '\\"')}"`).join(",");
    case "percentencode":
      return encodeURIComponent(values.join(","));
    case "glob":
      return values.length === 1 ? (values[0] ?? "") : `{${values.join(",")}}`;
    default:
      return values.join(",");
  }
}

/** Values as one regular expression inside of a string: each backslash is written twice. */
function asPattern(values: readonly string[]): string {
  const escaped = values.map((value) => value.replace(/[$()*+.?[\\\]^{|}]/g, "\\\\$&").replaceAll('"', '\\"'));
  return escaped.length === 1 ? (escaped[0] ?? "") : `(${escaped.join("|")})`;
}
