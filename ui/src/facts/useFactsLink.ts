/** Which figures lead to facts: the server's list of metrics says what is made of them. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { metricsQuery } from "../api/measure";
import type { Labels } from "../api/prometheus";
import { type FactsSearch, factsOf } from "./link";

/** Takes the query as it was asked, the labels of one of its series, and when it was worked out, in seconds. */
export type FactsLink = (query: string, labels: Labels, time: number) => FactsSearch | null;

export function useFactsLink(): FactsLink {
  const metrics = useQuery(metricsQuery).data;
  const buckets = useMemo(() => {
    const made = metrics?.filter((one) => one.facts !== null) ?? [];
    return new Map(made.map((one) => [one.name, { bucket: one.bucket_seconds ?? 0, looksBack: one.looks_back_seconds ?? 0 }]));
  }, [metrics]);
  return useCallback((query, labels, time) => factsOf(query, labels, time, (metric) => buckets.get(metric)), [buckets]);
}
