import { QueryClient } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";
import type { Event } from "../api/types";
import { makeInvalidator, staleKeys } from "./stale";

const job: Event = {
  kind: "job",
  time: "2026-01-01T00:00:00Z",
  project_id: "1",
  project: "keirin",
  flow: "7",
  run: "8",
  job: "9",
  agent: null,
  state: "running",
  outcome: null,
};

it("a job's event makes the job, its run and its flow stale", () => {
  const keys = staleKeys(job);
  expect(keys).toContainEqual(["job", "9"]);
  expect(keys).toContainEqual(["run", "8"]);
  expect(keys).toContainEqual(["flow", "7"]);
  expect(keys).toContainEqual(["queue"]);
  expect(keys).not.toContainEqual(["users"]);
});

it("a reset makes everything stale", () => {
  expect(staleKeys({ ...job, kind: "reset" })).toEqual([[]]);
});

it("a burst of events reads each answer anew once", () => {
  vi.useFakeTimers();
  const client = new QueryClient();
  const invalidate = vi.spyOn(client, "invalidateQueries");
  const take = makeInvalidator(client);
  for (let count = 0; count < 50; count += 1) take(job);
  vi.runAllTimers();
  expect(invalidate.mock.calls.filter(([filter]) => JSON.stringify(filter?.queryKey) === '["job","9"]')).toHaveLength(1);
  vi.useRealTimers();
});
