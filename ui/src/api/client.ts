/** The way to the server: every call of the page goes through here, typed by the server's own description. */
import createClient from "openapi-fetch";
import { learnServerTime } from "../parts/clock";
import { ProblemError, readProblem } from "./problem";
import type { paths } from "./schema.gen";

const site = new URL(".", document.baseURI);

export const client = createClient<paths>({
  baseUrl: site.href.replace(/\/$/, ""),
  credentials: "same-origin",
  fetch: async (request) => {
    const response = await reach(request);
    learnServerTime(response.headers.get("date"));
    return response;
  },
});

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ProblemError({
      type: "unreachable",
      title: "The server does not answer",
      status: 0,
      detail: "The request did not reach it, or its answer got lost.",
      fix: "Check that it runs and that the network is there, then try again.",
    });
  }
}

export interface Asked {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Record<string, QueryValue>;
  body?: unknown;
  signal?: AbortSignal;
}

/** A call below the site's own path whose types are not part of the server's description; the answer is not looked at yet. */
export async function ask(path: string, { method = "GET", query = {}, body, signal }: Asked): Promise<{ body: unknown; response: Response }> {
  const url = new URL(path, site);
  addQuery(url, query);
  const request = new Request(url, {
    method,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  });
  const response = await reach(request);
  learnServerTime(response.headers.get("date"));
  const text = await response.text();
  return { body: readJson(text), response };
}

function readJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // Not JSON: `readProblem` says that something else answered in the server's place.
    return undefined;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the server answered; throws the problem where there is one. */
export async function told<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(readProblem(error, response));
  return data as T;
}

type QueryValue = string | number | null | undefined;

/** An address of the API, for what is not fetched but followed, opened or kept. */
export function apiUrl(path: string, query: Record<string, QueryValue> = {}): URL {
  const url = new URL(`api/v1/${path}`, site);
  addQuery(url, query);
  return url;
}

function addQuery(url: URL, query: Record<string, QueryValue>): void {
  for (const [name, value] of Object.entries(query)) {
    if (value != null && value !== "") url.searchParams.set(name, String(value));
  }
}
