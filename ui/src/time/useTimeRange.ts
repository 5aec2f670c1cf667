/** The range of time of a page, kept in its address as `from` and `to`. */
import { useCallback, useMemo } from "react";
import { useChangeSearch, useSearchParameters } from "../useSearchParameters";
import { absoluteRange, type TimeRange, usualRange } from "./range";

export function useTimeRange(usual: TimeRange = usualRange) {
  const search = useSearchParameters();
  const changeSearch = useChangeSearch();
  const from = search.from ?? usual.from;
  const to = search.from === undefined && search.to === undefined ? usual.to : (search.to ?? "now");
  const range = useMemo<TimeRange>(() => ({ from, to }), [from, to]);

  const setRange = useCallback((next: TimeRange) => changeSearch({ from: next.from, to: next.to }), [changeSearch]);
  /** What was marked in a chart. */
  const zoom = useCallback((start: number, end: number) => setRange(absoluteRange(start, Math.max(end, start + 1))), [setRange]);
  return { range, setRange, zoom };
}
