/** What could be meant at the cursor, the likeliest first. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Metric, metricsQuery } from "../api/measure";
import { labelNamesQuery, labelValuesQuery } from "../api/prometheus";
import { fit, type Place } from "./complete";
import { aggregations, functions } from "./words";

export interface Proposal {
  text: string;
  /** What is written when it is chosen. */
  insert: string;
  what: "metric" | "function" | "aggregation" | "keyword" | "label" | "value" | "duration";
  about: string;
}

const most = 60;

export function useProposals(place: Place | null, text: string, source: string): Proposal[] {
  const kind = place?.kind ?? "nothing";
  const ours = source === "" || source === "keirin";
  const metrics = useQuery({ ...metricsQuery, enabled: ours }).data;
  const names = useQuery({ ...labelValuesQuery(source, "__name__"), enabled: kind === "name" }).data;
  const labels = useQuery({ ...labelNamesQuery(source), enabled: kind === "label" }).data;
  const metric = place?.metric ?? "";
  const values = useQuery({
    ...labelValuesQuery(source, place?.label ?? "", metric === "" ? undefined : metric),
    enabled: kind === "value" && place?.label !== "",
    placeholderData: keepPreviousData,
  }).data;

  return useMemo(() => {
    if (place === null || kind === "nothing") return [];
    const quoted = text[place.from - 1];
    const inQuotes = quoted === '"' || quoted === "'";
    switch (kind) {
      case "name":
        return fitting([...metricProposals(metrics ?? [], names ?? []), ...wordProposals], place.typed);
      case "label": {
        const known = metrics?.find((one) => one.name === metric || isPartOf(metric, one.name))?.labels ?? labels ?? [];
        const selector = text.slice(0, place.from).lastIndexOf("{") > text.slice(0, place.from).lastIndexOf("(");
        return fitting(known.filter((name) => name !== "__name__").map((name) => ({ text: name, insert: selector ? `${name}="` : name, what: "label", about: "" })), place.typed);
      }
      case "value":
        return fitting((values ?? []).map((value) => ({ text: value, insert: inQuotes ? `${escaped(value)}"` : `"${escaped(value)}"`, what: "value", about: "" })), place.typed);
      case "duration":
        return fitting(durations, place.typed);
    }
  }, [place, kind, text, metric, metrics, names, labels, values]);
}

const durations: Proposal[] = ["5m", "1h", "1d", "7d", "30d", "90d", "365d"].map((each) => ({ text: each, insert: each, what: "duration", about: "" }));
durations.push({ text: "$__interval", insert: "$__interval", what: "duration", about: "as far as the points lie apart" });
durations.push({ text: "$__range", insert: "$__range", what: "duration", about: "as long as the range of time" });

const wordProposals: Proposal[] = [
  ...Object.entries(aggregations).map(([text, about]): Proposal => ({ text, insert: `${text}(`, what: "aggregation", about })),
  ...Object.entries(functions).map(([text, about]): Proposal => ({ text, insert: `${text}(`, what: "function", about })),
  ...["by", "without", "on", "ignoring", "group_left", "group_right"].map((text): Proposal => ({ text, insert: `${text} (`, what: "keyword", about: "" })),
  ...["and", "or", "unless", "offset", "bool"].map((text): Proposal => ({ text, insert: `${text} `, what: "keyword", about: "" })),
];

function metricProposals(metrics: readonly Metric[], names: readonly string[]): Proposal[] {
  const helps = new Map(metrics.map((metric) => [metric.name, metric.help]));
  const all = new Set([...names, ...metrics.filter((metric) => metric.kind !== "histogram").map((metric) => metric.name)]);
  return [...all].map((text) => ({ text, insert: text, what: "metric", about: helps.get(text) ?? helps.get(text.replace(/_(?:bucket|sum|count)$/, "")) ?? "" }));
}

export function isPartOf(name: string, histogram: string): boolean {
  return name.startsWith(`${histogram}_`) && /^(?:bucket|sum|count)$/.test(name.slice(histogram.length + 1));
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}

function fitting(proposals: Proposal[], typed: string): Proposal[] {
  return proposals
    .map((proposal) => ({ proposal, score: fit(proposal.text, typed) }))
    .filter((one): one is { proposal: Proposal; score: number } => one.score !== null)
    .toSorted((a, b) => a.score - b.score || a.proposal.text.length - b.proposal.text.length)
    .slice(0, most)
    .map((one) => one.proposal);
}
