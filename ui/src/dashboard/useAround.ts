/** What all panels of a dashboard share: its variables as they are chosen, its time, and its rows with what is repeated. */
import { useMemo } from "react";
import { serverNow } from "../parts/clock";
import { resolveRange, type TimeRange } from "../time/range";
import { spread } from "./layout";
import type { Dashboard } from "./model";
import type { Around } from "./usePanelData";
import { useVariables } from "./useVariables";

/** `refresh` is in seconds; null leaves it to events. */
export function useAround(dashboard: Dashboard, range: TimeRange, refresh: number | null) {
  const { settled, choose, sources } = useVariables(dashboard.uid, dashboard.variables, range);
  // Until the range changes or a reading comes, the panels all speak of the same time range.
  const updated = settled.dataUpdatedAt;
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- a new reading moves a range that ends now
  const span = useMemo(() => resolveRange(range, serverNow()), [range, updated]);
  const around = useMemo<Around>(() => ({ settled: settled.data ?? [], range, span, sources, refresh }), [settled.data, range, span, sources, refresh]);
  const rows = useMemo(() => spread(dashboard.rows, settled.data ?? []), [dashboard.rows, settled.data]);
  return { around, rows, settled, choose };
}
