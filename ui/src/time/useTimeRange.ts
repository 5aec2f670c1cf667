/** The range of time of a page, kept in its address as `from` and `to`. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { absoluteRange, type TimeRange, usualRange } from "./range";

export function useTimeRange(usual: TimeRange = usualRange) {
  const search: { from?: string; to?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const from = search.from ?? usual.from;
  const to = search.from === undefined && search.to === undefined ? usual.to : (search.to ?? "now");
  const range = useMemo<TimeRange>(() => ({ from, to }), [from, to]);

  const setRange = useCallback(
    (next: TimeRange) =>
      void navigate({
        to: ".",
        search: (previous: Record<string, string | undefined>) => ({ ...previous, from: next.from, to: next.to }),
        resetScroll: false,
      }),
    [navigate],
  );
  /** What was marked in a chart. */
  const zoom = useCallback((start: number, end: number) => setRange(absoluteRange(start, Math.max(end, start + 1))), [setRange]);
  return { range, setRange, zoom };
}
