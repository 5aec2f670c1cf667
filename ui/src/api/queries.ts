/** What the page reads: one entry for each question, by noun. Keys begin with the noun, so that live events can name them. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client, told } from "./client";
import type { BackgroundJobState, ChangeOutcome, LogPage } from "./types";

export { queryClient } from "./queryClient";

/** As many as the server gives at once. */
const most = 200;
/** More than a person reads at a glance; what is beyond comes by the next page. */
const glance = 50;

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

type Cursor = string | undefined;

/** A list that comes a page at a time. */
const byPages = {
  initialPageParam: undefined as Cursor,
  getNextPageParam: (page: Page<unknown>): Cursor => page.next_cursor ?? undefined,
};

/** As much of a list as comes at once. */
const pageOf = (cursor: Cursor) => ({ limit: most, ...(cursor === undefined ? {} : { cursor }) });

/** A list that is short by nature, read to its end. */
async function whole<T>(read: (cursor: Cursor) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: Cursor;
  do {
    const page = await read(cursor);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => told(client.GET("/api/v1/me", { signal })),
});

export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: ({ signal }) => told(client.GET("/api/v1/overview", { signal })),
});

export const projectsQuery = queryOptions({
  queryKey: ["projects"],
  queryFn: ({ signal }) => whole((cursor) => told(client.GET("/api/v1/projects", { params: { query: pageOf(cursor) }, signal }))),
});

export const projectQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project],
    queryFn: ({ signal }) => told(client.GET("/api/v1/projects/{project}", { params: { path: { project } }, signal })),
  });

export const branchesQuery = (project: string) =>
  queryOptions({
    queryKey: ["branches", project],
    queryFn: ({ signal }) =>
      whole(() => told(client.GET("/api/v1/projects/{project}/branches", { params: { path: { project } }, signal }))),
  });

export const schedulesQuery = (project: string) =>
  queryOptions({
    queryKey: ["schedules", project],
    queryFn: ({ signal }) =>
      whole(() => told(client.GET("/api/v1/projects/{project}/schedules", { params: { path: { project } }, signal }))),
  });

export const membersQuery = (project: string) =>
  queryOptions({
    queryKey: ["members", project],
    queryFn: ({ signal }) =>
      whole(() => told(client.GET("/api/v1/projects/{project}/members", { params: { path: { project } }, signal }))),
  });

/** An empty branch stands for the repository's default one; without a commit they are as they are now. */
export const workflowsQuery = (project: string, branch: string, commit?: string) =>
  queryOptions({
    queryKey: ["workflows", project, branch, commit ?? null],
    queryFn: ({ signal }) => {
      const query = { ...(branch === "" ? {} : { branch }), ...(commit === undefined ? {} : { commit }) };
      return told(client.GET("/api/v1/projects/{project}/workflows", { params: { path: { project }, query }, signal }));
    },
  });

export const flowsQuery = (project: string, branch?: string) =>
  infiniteQueryOptions({
    queryKey: ["flows", project, branch ?? null],
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = { limit: glance, ...(branch === undefined ? {} : { branch }), ...(cursor === undefined ? {} : { cursor }) };
      return told(client.GET("/api/v1/projects/{project}/flows", { params: { path: { project }, query }, signal }));
    },
    ...byPages,
  });

export const flowQuery = (flow: string) =>
  queryOptions({
    queryKey: ["flow", flow],
    queryFn: ({ signal }) => told(client.GET("/api/v1/flows/{flow}", { params: { path: { flow } }, signal })),
  });

export const runQuery = (run: string) =>
  queryOptions({
    queryKey: ["run", run],
    queryFn: ({ signal }) => told(client.GET("/api/v1/runs/{run}", { params: { path: { run } }, signal })),
  });

export const jobQuery = (job: string) =>
  queryOptions({
    queryKey: ["job", job],
    queryFn: ({ signal }) => told(client.GET("/api/v1/jobs/{job}", { params: { path: { job } }, signal })),
  });

/** Whose results or artifacts. */
export type LeftBy = { kind: "flow" | "run" | "job"; id: string };

export const testResultsQuery = ({ kind, id }: LeftBy) =>
  infiniteQueryOptions({
    queryKey: ["tests", kind, id],
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = { limit: most, ...(cursor === undefined ? {} : { cursor }) };
      switch (kind) {
        case "flow":
          return told(client.GET("/api/v1/flows/{flow}/test-results", { params: { path: { flow: id }, query }, signal }));
        case "run":
          return told(client.GET("/api/v1/runs/{run}/test-results", { params: { path: { run: id }, query }, signal }));
        case "job":
          return told(client.GET("/api/v1/jobs/{job}/test-results", { params: { path: { job: id }, query }, signal }));
      }
    },
    ...byPages,
  });

export const artifactsQuery = ({ kind, id }: LeftBy) =>
  queryOptions({
    queryKey: ["artifacts", kind, id],
    queryFn: ({ signal }) =>
      whole(() => {
        switch (kind) {
          case "flow":
            return told(client.GET("/api/v1/flows/{flow}/artifacts", { params: { path: { flow: id } }, signal }));
          case "run":
            return told(client.GET("/api/v1/runs/{run}/artifacts", { params: { path: { run: id } }, signal }));
          case "job":
            return told(client.GET("/api/v1/jobs/{job}/artifacts", { params: { path: { job: id } }, signal }));
        }
      }),
  });

export const queueQuery = queryOptions({
  queryKey: ["queue"],
  queryFn: ({ signal }) =>
    whole((cursor) => {
      const query = { limit: most, ...(cursor === undefined ? {} : { cursor }) };
      return told(client.GET("/api/v1/queue", { params: { query }, signal }));
    }),
});

export const agentsQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: ({ signal }) =>
    whole((cursor) => told(client.GET("/api/v1/agents", { params: { query: pageOf(cursor) }, signal }))),
});

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => whole((cursor) => told(client.GET("/api/v1/tokens", { params: { query: pageOf(cursor) }, signal }))),
});

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: ({ signal }) => whole((cursor) => told(client.GET("/api/v1/users", { params: { query: pageOf(cursor) }, signal }))),
});

/** What no event tells of: whoever comes back to it asks anew. */
const soonStale = 5000;

/** What all questions about background work have in their keys. */
export const backgroundKey = ["background"];

export const backgroundQuery = queryOptions({
  queryKey: [...backgroundKey, "overview"],
  queryFn: ({ signal }) => told(client.GET("/api/v1/background", { signal })),
  staleTime: soonStale,
});

export interface BackgroundJobsAsked {
  kind?: string | undefined;
  state?: BackgroundJobState | undefined;
}

export const backgroundJobsQuery = ({ kind, state }: BackgroundJobsAsked) =>
  infiniteQueryOptions({
    queryKey: [...backgroundKey, "jobs", kind ?? null, state ?? null],
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = {
        limit: glance,
        ...(kind === undefined ? {} : { kind }),
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      return told(client.GET("/api/v1/background-jobs", { params: { query }, signal }));
    },
    ...byPages,
    staleTime: soonStale,
  });

export interface AuditAsked {
  by?: string | undefined;
  project?: string | undefined;
  outcome?: ChangeOutcome | undefined;
}

export const auditQuery = ({ by, project, outcome }: AuditAsked) =>
  infiniteQueryOptions({
    queryKey: ["audit", by ?? null, project ?? null, outcome ?? null],
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = {
        limit: glance,
        ...(by === undefined ? {} : { by }),
        ...(project === undefined ? {} : { project }),
        ...(outcome === undefined ? {} : { outcome }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      return told(client.GET("/api/v1/audit-log", { params: { query }, signal }));
    },
    ...byPages,
    staleTime: soonStale,
  });

/** It is counted anew for each answer, which takes the server seconds where there is very much. */
export const storageQuery = queryOptions({
  queryKey: ["storage"],
  queryFn: ({ signal }) => told(client.GET("/api/v1/storage", { signal })),
  staleTime: 60_000,
});

/** Forms begin with it, and nobody is told when somebody else changes it: so it is asked for each time anew. */
const neverRemembered = { staleTime: 0, gcTime: 0 };

export const serverRetentionQuery = queryOptions({
  queryKey: ["retention"],
  queryFn: ({ signal }) => told(client.GET("/api/v1/retention", { signal })),
  ...neverRemembered,
});

export const projectRetentionQuery = (project: string) =>
  queryOptions({
    queryKey: ["retention", project],
    queryFn: ({ signal }) => told(client.GET("/api/v1/projects/{project}/retention", { params: { path: { project } }, signal })),
    ...neverRemembered,
  });

export interface LogSearchIn {
  kind: "flow" | "run" | "job" | "agent" | "service";
  id: string;
  pattern: string;
  limit: number;
}

export const logSearchQuery = ({ kind, id, pattern, limit }: LogSearchIn) =>
  queryOptions({
    queryKey: ["log-search", kind, id, pattern, limit],
    queryFn: ({ signal }) =>
      told(client.GET("/api/v1/logs/search", { params: { query: { [kind]: id, regex: pattern, limit } }, signal })),
    enabled: pattern !== "" && id !== "",
    // A log can have grown since.
    staleTime: 0,
  });

export interface LogRange {
  attempt: number | undefined;
  from?: number;
  limit?: number;
  tail?: number;
}

/** Lines of a job's log; a store keeps them, so they are no query. */
export function readLog(job: string, { attempt, ...range }: LogRange, signal: AbortSignal): Promise<LogPage> {
  const query = { ...range, ...(attempt === undefined ? {} : { attempt }) };
  return told(client.GET("/api/v1/jobs/{job}/log", { params: { path: { job }, query }, signal }));
}
