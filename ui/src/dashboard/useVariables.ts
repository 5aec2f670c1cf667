/** The variables of a dashboard with the values that the page's address asks for. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { sourcesQuery } from "../api/measure";
import { labelNamesQuery, labelValuesQuery, readInstant } from "../api/prometheus";
import { queryClient } from "../api/queryClient";
import { seriesName } from "../chart/seriesName";
import { serverNow } from "../parts/clock";
import { resolveRange, type TimeRange } from "../time/range";
import { useChangeSearch, useSearchParameters } from "../useSearchParameters";
import type { Variable } from "./model";
import { joined, parted } from "./chosen";
import { type LabelSource, settle } from "./variables";

const sourceName = (source: string) => (source === "keirin" || source.startsWith("$") ? "" : source);

/** The data sources' answers, kept as all others are. */
function labelSource(known: readonly string[], signal: AbortSignal): LabelSource {
  const here = (source: string) => (known.includes(source) ? sourceName(source) : "");
  return {
    values: (source, label, match) => queryClient.fetchQuery(labelValuesQuery(here(source), label, match)),
    names: (source) => queryClient.fetchQuery(labelNamesQuery(here(source))),
    query: async (source, query) => {
      const { rows } = await readInstant(here(source), query, Math.floor(serverNow() / 1000), signal);
      return rows.map((row) => `${seriesName(row.labels, query)} ${row.value}`);
    },
  };
}

export function useVariables(uid: string, variables: readonly Variable[], range: TimeRange) {
  const search = useSearchParameters();
  const changeSearch = useChangeSearch();
  const sources = useQuery(sourcesQuery);
  const names = useMemo(() => sources.data?.map((source) => source.name) ?? ["keirin"], [sources.data]);
  const wanted = useMemo(
    () => Object.fromEntries(variables.map(({ name }) => [name, search[`var-${name}`] === undefined ? undefined : parted(search[`var-${name}`] ?? "")])),
    [variables, search],
  );
  const settled = useQuery({
    queryKey: ["prometheus", "variables", uid, variables, wanted, range, names],
    queryFn: ({ signal }) => settle(variables, wanted, { span: resolveRange(range, serverNow()), sources: names, labels: labelSource(names, signal) }),
    enabled: !sources.isPending,
    placeholderData: keepPreviousData,
    // What could not be asked for is asked for again.
    staleTime: ({ state }) => (state.data?.some(({ fault }) => fault !== null) === true ? 0 : Number.POSITIVE_INFINITY),
  });

  const choose = useCallback(
    (name: string, values: string[]) => changeSearch({ [`var-${name}`]: joined(values) }, { replace: true }),
    [changeSearch],
  );
  return { settled, choose, sources: names };
}
