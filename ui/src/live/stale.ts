/** Which answers an event makes stale. Events come in bursts, so what they name is gathered for a moment first. */
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { Event } from "../api/types";

const gatherMilliseconds = 120;

export function staleKeys(event: Event): QueryKey[] {
  switch (event.kind) {
    case "project":
      return [["projects"], ["overview"], ...named(event.project, "project", "branches", "workflows", "schedules", "members")];
    case "flow":
      return [["overview"], ["projects"], ...flowKeys(event), ...named(event.project, "flows", "branches", "schedules", "project")];
    case "run":
      return [["overview"], ...flowKeys(event), ...runKeys(event), ...named(event.project, "flows")];
    case "job":
      return [["overview"], ["queue"], ["agents"], ...flowKeys(event), ...runKeys(event), ...jobKeys(event)];
    case "agent":
      return [["agents"], ["overview"], ["queue"]];
    case "reset":
      return [[]];
  }
}

function named(name: string | null, ...nouns: string[]): QueryKey[] {
  return name === null ? [] : nouns.map((noun) => [noun, name]);
}

function flowKeys({ flow }: Event): QueryKey[] {
  return flow === null ? [] : [["flow", flow], ["tests", "flow", flow], ["artifacts", "flow", flow]];
}

function runKeys({ run }: Event): QueryKey[] {
  return run === null ? [] : [["run", run], ["tests", "run", run], ["artifacts", "run", run]];
}

function jobKeys({ job }: Event): QueryKey[] {
  return job === null ? [] : [["job", job], ["tests", "job", job], ["artifacts", "job", job]];
}

/** Takes events and makes the answers that they name stale, each once however many events named it. */
export function makeInvalidator(client: QueryClient): (event: Event) => void {
  const gathered = new Map<string, QueryKey>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    for (const queryKey of gathered.values()) void client.invalidateQueries({ queryKey });
    gathered.clear();
  }

  return (event) => {
    for (const key of staleKeys(event)) gathered.set(JSON.stringify(key), key);
    timer ??= setTimeout(flush, gatherMilliseconds);
  };
}
