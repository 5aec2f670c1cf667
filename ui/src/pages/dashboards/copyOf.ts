/** A dashboard of one's own, made from another. */
import type { DashboardJson, StoredDashboard } from "../../api/measure";

export function copyOf({ dashboard, title }: Pick<StoredDashboard, "dashboard" | "title">): DashboardJson {
  const { uid: _, id: __, ...rest } = dashboard;
  return { ...rest, title: `${title}, copy` };
}
