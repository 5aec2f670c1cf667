/** Questions in PromQL, and about the names and labels that they may use, by the API that Prometheus has. */
import { queryOptions } from "@tanstack/react-query";
import { serverNow } from "../parts/clock";
import { pointsOf, resolveRange, type TimeRange } from "../time/range";
import { ask } from "./client";
import { ProblemError, readProblem } from "./problem";

export type Labels = Record<string, string>;

/** One series with a value for each of the answer's times; null where it has none. */
export interface Series {
  labels: Labels;
  values: (number | null)[];
}

interface Remarks {
  warnings: string[];
  infos: string[];
}

export interface RangeAnswer extends Remarks {
  /** Seconds since 1970, one for each value. */
  times: number[];
  step: number;
  series: Series[];
}

export interface InstantAnswer extends Remarks {
  time: number;
  rows: { labels: Labels; value: number }[];
}

/** Where in a query something is wrong, in bytes of UTF-8. */
export interface Position {
  start: number;
  end: number;
}

/** A query that the server could not answer. */
export class QueryError extends ProblemError {
  readonly position: Position | null;

  constructor(message: string, kind: string, status: number, position: Position | null) {
    super({ type: kind, title: titles[kind] ?? "The query could not be answered", status, detail: message, fix: null });
    this.name = "QueryError";
    this.position = position;
  }
}

const titles: Record<string, string> = {
  bad_data: "The query cannot be read",
  execution: "The query could not be worked out",
  timeout: "The query took too long",
  canceled: "The query was cancelled",
  unavailable: "The data source does not answer",
};

interface Envelope {
  status: "success" | "error";
  data?: unknown;
  errorType?: string;
  error?: string;
  position?: Position;
  warnings?: string[];
  infos?: string[];
}

function isEnvelope(body: unknown): body is Envelope {
  return typeof body === "object" && body !== null && "status" in body && (body.status === "success" || body.status === "error");
}

type Params = Record<string, string | number | undefined>;

async function told<T>(path: string, source: string, query: Params, signal: AbortSignal): Promise<{ data: T } & Remarks> {
  const named = source === "" || source === "keirin" ? undefined : source;
  const { body, response } = await ask(`prometheus/api/v1/${path}`, { query: { ...query, source: named }, signal });
  if (!isEnvelope(body)) throw new ProblemError(readProblem(body, response));
  if (body.status === "error") {
    throw new QueryError(body.error ?? "It gave no reason.", body.errorType ?? "", response.status, body.position ?? null);
  }
  return { data: body.data as T, warnings: body.warnings ?? [], infos: body.infos ?? [] };
}

type Point = [number, string];
interface Matrix {
  resultType: string;
  result: { metric: Labels; values: Point[] }[];
}
type Instant =
  | { resultType: "vector"; result: { metric: Labels; value: Point }[] }
  | { resultType: "matrix"; result: { metric: Labels; values: Point[] }[] }
  | { resultType: "scalar" | "string"; result: Point };

/** Prometheus writes figures as text, because JSON has no infinity. */
export function readFigure(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

export interface RangeAsked {
  source: string;
  query: string;
  range: TimeRange;
  step: number;
}

export async function readRange({ source, query, range, step }: RangeAsked, signal: AbortSignal): Promise<RangeAnswer> {
  const times = pointsOf(resolveRange(range, serverNow()), step);
  const start = times[0] ?? 0;
  const asked = { query, start, end: times.at(-1) ?? start, step };
  const { data, warnings, infos } = await told<Matrix>("query_range", source, asked, signal);
  const series = data.result.map(({ metric, values }) => {
    const placed: (number | null)[] = times.map(() => null);
    for (const [time, text] of values) placed[Math.round((time - start) / step)] = readFigure(text);
    return { labels: metric, values: placed };
  });
  return { times, step, series, warnings, infos };
}

export async function readInstant(source: string, query: string, time: number, signal: AbortSignal): Promise<InstantAnswer> {
  const { data, warnings, infos } = await told<Instant>("query", source, { query, time }, signal);
  return { time, rows: rowsOf(data), warnings, infos };
}

function rowsOf(data: Instant): InstantAnswer["rows"] {
  switch (data.resultType) {
    case "vector":
      return data.result.map(({ metric, value }) => ({ labels: metric, value: readFigure(value[1]) }));
    case "matrix":
      return data.result.flatMap(({ metric, values }) => {
        const last = values.at(-1);
        return last === undefined ? [] : [{ labels: metric, value: readFigure(last[1]) }];
      });
    case "scalar":
    case "string":
      return [{ labels: {}, value: readFigure(data.result[1]) }];
  }
}

/** A range that ends now is another one whenever it is asked for, so its words and not its seconds name the answer. */
export const rangeQuery = (asked: RangeAsked) =>
  queryOptions({
    queryKey: ["prometheus", "range", asked],
    queryFn: ({ signal }) => readRange(asked, signal),
    enabled: asked.query !== "",
    staleTime: 60_000,
  });

/** At the end of the range; `before` seconds earlier for the figure of the period before. */
export const instantQuery = (asked: { source: string; query: string; range: TimeRange; before?: number }) =>
  queryOptions({
    queryKey: ["prometheus", "instant", asked],
    queryFn: ({ signal }) => {
      const { until } = resolveRange(asked.range, serverNow());
      return readInstant(asked.source, asked.query, until - (asked.before ?? 0), signal);
    },
    enabled: asked.query !== "",
    staleTime: 60_000,
  });

export const labelNamesQuery = (source: string) =>
  queryOptions({
    queryKey: ["prometheus", "labels", source],
    queryFn: async ({ signal }) => (await told<string[]>("labels", source, {}, signal)).data,
    staleTime: 60_000,
  });

/** The values that a label has, of all series or of those that match. */
export const labelValuesQuery = (source: string, label: string, match?: string) =>
  queryOptions({
    queryKey: ["prometheus", "values", source, label, match ?? ""],
    queryFn: async ({ signal }) => {
      const query = match === undefined || match === "" ? {} : { "match[]": match };
      return (await told<string[]>(`label/${encodeURIComponent(label)}/values`, source, query, signal)).data;
    },
    staleTime: 60_000,
  });

export const formatted = async (query: string) => (await told<string>("format_query", "", { query }, new AbortController().signal)).data;
