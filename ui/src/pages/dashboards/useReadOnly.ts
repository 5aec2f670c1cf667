/** Whether the person at this page may not change a dashboard. */
import { useMay } from "../../api/me";
import type { StoredDashboard } from "../../api/measure";

export function useReadOnly({ provided, project }: Pick<StoredDashboard, "provided" | "project">): boolean {
  const may = useMay("developer", project ?? undefined);
  return provided || !may;
}
