/** Answers of a data source as series of a chart. */
import type { Metric } from "../api/measure";
import type { RangeAnswer } from "../api/prometheus";
import { isPartOf } from "../promql/proposals";
import { lex, selectorsIn } from "../promql/lex";
import { unitOfMetric } from "../units/format";
import { colourByMeaning } from "./colours";
import type { ChartSeries, DrawStyle } from "./series";
import { seriesName } from "./seriesName";

interface AsDrawn {
  style: DrawStyle;
  stack: boolean;
  unit: string;
  /** The place of its first series in the palette. */
  offset: number;
  /** Tells its series from those of other queries. */
  key: string;
}

export function chartSeries(answer: RangeAnswer, query: string, { style, stack, unit, offset, key }: AsDrawn): ChartSeries[] {
  return answer.series.map(({ labels, values }, index) => ({
    key: `${key} ${JSON.stringify(labels)}`,
    name: seriesName(labels, query),
    values,
    colour: colourByMeaning(labels, index + offset),
    style,
    width: 1.6,
    fill: stack && style === "line" ? 0.25 : 0,
    dashed: false,
    steps: false,
    smooth: false,
    axis: "left",
    stack: stack ? "all" : "",
    spanNulls: false,
    shown: { unit, decimals: null },
    labels,
    query,
  }));
}

/** What the figures of a query count in, as far as its metric says so and the query does not make something else of it. */
export function unitOfQuery(query: string, metrics: readonly Metric[]): string {
  const tokens = lex(query).filter((token) => token.kind !== "space");
  if (tokens.some((token) => token.text === "/" || token.text === "count" || token.text === "count_over_time")) return "short";
  const name = selectorsIn(query)[0]?.metric ?? "";
  const metric = metricOf(name, metrics);
  if (metric === undefined) return "short";
  const counted = name.endsWith("_count") || (name.endsWith("_bucket") && !tokens.some((token) => token.text === "histogram_quantile"));
  return counted ? "short" : unitOfMetric(metric.unit);
}

/** Also of one of the series that a histogram consists of. */
export function metricOf(name: string, metrics: readonly Metric[]): Metric | undefined {
  return metrics.find((one) => one.name === name) ?? metrics.find((one) => isPartOf(name, one.name));
}

/** The longest bucket of the metrics that a query reads, in seconds: points closer together say nothing new. */
export function bucketOf(query: string, metrics: readonly Metric[]): number | null {
  const found = selectorsIn(query).map(({ metric }) => metricOf(metric, metrics)?.bucket_seconds ?? 0);
  const longest = Math.max(0, ...found);
  return longest === 0 ? null : longest;
}

/** A place in bytes as one in characters. */
export function characterAt(text: string, byte: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, Math.max(0, byte))).length;
}
