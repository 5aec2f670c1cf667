/** What the page asks about facts, series and dashboards. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { ask, type Asked } from "./client";
import { ProblemError, readProblem } from "./problem";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Metric = Schemas["Metric"];
export type Fact = Schemas["Fact"];
export type FactKind = Schemas["FactKind"];
export type PipelinePart = Schemas["PipelinePart"];
export type PartState = Schemas["PipelineState"];
export type DashboardSummary = Schemas["DashboardSummary"];
export type Repository = Schemas["Repository"];
export type Source = Schemas["Source"];
export type ScrapeTarget = Schemas["Target"];
export type DashboardProblem = Schemas["DashboardProblem"];

/** A dashboard as Grafana writes it: only its reader knows what stands where. */
export type DashboardJson = Record<string, unknown>;
export type StoredDashboard = Omit<Schemas["Dashboard"], "dashboard"> & { dashboard: DashboardJson };

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

export const dataPipelineQuery = queryOptions({
  queryKey: ["data-pipeline"],
  queryFn: async ({ signal }) => (await told<{ parts: PipelinePart[] }>("data-pipeline", { signal })).parts,
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

/** Why a query has no data between two moments, in seconds. */
export const explainQuery = (query: string, { from, until }: { from: number; until: number }) =>
  queryOptions({
    queryKey: ["explain", query, from, until],
    queryFn: async ({ signal }) => {
      const [start, time] = [from, until].map((seconds) => new Date(seconds * 1000).toISOString());
      return (await told<{ reasons: string[] }>("explain", { query: { query, start, time }, signal })).reasons;
    },
  });

/** Of the project that is named, or of the server. */
export const createDashboard = (dashboard: DashboardJson, project?: string) =>
  told<StoredDashboard>("dashboards", { method: "POST", query: { project }, body: { dashboard } });
export const saveDashboard = (uid: string, dashboard: DashboardJson) =>
  told<StoredDashboard>(`dashboards/${part(uid)}`, { method: "PUT", body: { dashboard } });
export const deleteDashboard = (uid: string) => told<undefined>(`dashboards/${part(uid)}`, { method: "DELETE" });
export const checkDashboard = async (dashboard: DashboardJson) =>
  (await told<{ problems: DashboardProblem[] }>("dashboards/check", { method: "POST", body: { dashboard } })).problems;
