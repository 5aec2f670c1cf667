/**
 * What the page asks about facts, series and dashboards. The types are written by hand: once the server's description
 * holds these routes, they come from there, as those in `types.ts` do, and the questions stay as they are.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { ask, type Asked } from "./client";
import { ProblemError, readProblem } from "./problem";

export interface Source {
  name: string;
  kind: "keirin" | "prometheus";
  url: string | null;
  state: "ok" | "failed";
  error: string | null;
}

export interface Metric {
  name: string;
  kind: string;
  unit: string | null;
  /** The definition in words. */
  help: string;
  /** Of series that transforms make: exact counts for each bucket, stamped with the bucket's start. */
  bucket_seconds: number | null;
  labels: string[];
  transform: string | null;
}

export interface Repository {
  name: string;
  project: string | null;
  commits: number;
  people: number;
  pull_requests: number;
  releases: number;
  first_commit_at: string | null;
  last_commit_at: string | null;
  imported_at: string | null;
  last_error: string | null;
}

export type FactKind = "commit" | "pull_request" | "release" | "flow" | "run" | "job" | "attempt";

export interface Fact {
  at: string;
  kind: FactKind;
  title: string;
  author: string | null;
  detail: string | null;
  /** A path within the page. */
  link: string | null;
  labels: Record<string, string>;
}

export type PartState = "ok" | "late" | "failed" | "empty";

/** One part of the way of the data, with what it consists of. */
export interface DataPart {
  name: string;
  title: string;
  state: PartState;
  count: number | null;
  newest_at: string | null;
  lag_seconds: number | null;
  note: string | null;
  parts: DataPart[];
}

export interface ScrapeTarget {
  name: string;
  url: string;
  state: "up" | "down" | "unknown";
  labels: Record<string, string>;
  interval_seconds: number;
  last_scrape_at: string | null;
  duration_seconds: number | null;
  samples: number | null;
  error: string | null;
}

export interface DashboardSummary {
  uid: string;
  title: string;
  folder: string | null;
  tags: string[];
  /** It comes with the program, so it cannot be changed: only a copy can. */
  provided: boolean;
  changed_at: string | null;
}

/** A dashboard as Grafana writes it: only its reader knows what stands where. */
export type DashboardJson = Record<string, unknown>;

export interface StoredDashboard {
  uid: string;
  title: string;
  provided: boolean;
  dashboard: DashboardJson;
}

export interface DashboardProblem {
  /** As in `panels[2].targets[0].expr`. */
  path: string;
  message: string;
  severity: "error" | "warning";
}

async function told<T>(path: string, asked: Asked = {}): Promise<T> {
  const { body, response } = await ask(`api/v1/${path}`, asked);
  if (!response.ok) throw new ProblemError(readProblem(body, response));
  return body as T;
}

const part = encodeURIComponent;

/** Nothing here is told by events one by one, so an answer is asked for anew by whoever comes back to it. */
const soonStale = 15_000;

function list<T>(noun: string) {
  return queryOptions({
    queryKey: [noun],
    queryFn: async ({ signal }) => (await told<{ items: T[] }>(noun, { signal })).items,
    staleTime: soonStale,
  });
}

export const sourcesQuery = list<Source>("sources");
export const metricsQuery = list<Metric>("metrics");
export const repositoriesQuery = list<Repository>("repositories");
export const targetsQuery = list<ScrapeTarget>("targets");
export const dashboardsQuery = list<DashboardSummary>("dashboards");

export const dataFlowQuery = queryOptions({
  queryKey: ["data-flow"],
  queryFn: async ({ signal }) => (await told<{ parts: DataPart[] }>("data-flow", { signal })).parts,
  staleTime: soonStale,
});

export const dashboardQuery = (uid: string) =>
  queryOptions({
    queryKey: ["dashboard", uid],
    queryFn: ({ signal }) => told<StoredDashboard>(`dashboards/${part(uid)}`, { signal }),
  });

export interface FactsAsked {
  metric: string;
  /** RFC 3339. */
  from: string;
  until: string;
  labels: Record<string, string>;
}

export const factsQuery = ({ metric, from, until, labels }: FactsAsked) =>
  infiniteQueryOptions({
    queryKey: ["facts", metric, from, until, labels],
    queryFn: ({ pageParam: cursor, signal }) => {
      const wanted = Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label.${name}`, value]));
      return told<{ items: Fact[]; next_cursor: string | null }>("facts", {
        query: { metric, from, until, cursor, limit: 100, ...wanted },
        signal,
      });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page): string | undefined => page.next_cursor ?? undefined,
    enabled: metric !== "",
    staleTime: soonStale,
  });

export const explainQuery = (query: string, time: number) =>
  queryOptions({
    queryKey: ["explain", query, time],
    queryFn: async ({ signal }) => (await told<{ reasons: string[] }>("explain", { query: { query, time }, signal })).reasons,
  });

export const createDashboard = (dashboard: DashboardJson) =>
  told<StoredDashboard>("dashboards", { method: "POST", body: { dashboard } });
export const saveDashboard = (uid: string, dashboard: DashboardJson) =>
  told<StoredDashboard>(`dashboards/${part(uid)}`, { method: "PUT", body: { dashboard } });
export const deleteDashboard = (uid: string) => told<undefined>(`dashboards/${part(uid)}`, { method: "DELETE" });
export const checkDashboard = async (dashboard: DashboardJson) =>
  (await told<{ problems: DashboardProblem[] }>("dashboards/check", { method: "POST", body: { dashboard } })).problems;
