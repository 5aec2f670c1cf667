/** A dashboard of one's own, made from another. */
import type { DashboardJson } from "../../api/measure";

export function copyOf(dashboard: DashboardJson, title: string): DashboardJson {
  const { uid: _, id: __, ...rest } = dashboard;
  return { ...rest, title };
}
