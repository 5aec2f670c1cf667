/** For tests: the dashboards that come with the program. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dashboard } from "./model";
import { readDashboard } from "./read";

const folder = join(import.meta.dirname, "../../../deploy/grafana/dashboards");

export function provided(): Dashboard[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => readDashboard(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}

/** Everything in them that this page does not draw as the file says. */
export function problemsOf(): string[] {
  return provided().flatMap((dashboard) => [
    ...dashboard.notes,
    ...dashboard.rows.flatMap((row) => row.panels).flatMap((panel) => [...panel.notes, ...(panel.kind === "unknown" ? [panel.type] : [])]),
  ]);
}
