/** A dashboard's first figures as cards: what each asks, which way it gets better, what it means. */
import type { Metric } from "../api/measure";
import { type FieldLook, lookOf } from "../dashboard/fields";
import type { Panel, Row } from "../dashboard/model";
import { selectorsIn } from "../promql/lex";

export interface AskedFigure {
  key: string;
  title: string;
  definition: string;
  /** With variables in it. */
  query: string;
  /** The same for each step of the range, for the line. */
  lineQuery: string;
  source: string;
  look: FieldLook;
}

/** The panels of single figures that stand before the first titled row. */
export function figuresOf(rows: readonly Row[]): AskedFigure[] {
  return (rows.find((row) => row.title === null)?.panels ?? []).flatMap((panel) => figureOf(panel) ?? []);
}

/** Null for a panel that shows no single figure. */
export function figureOf(panel: Panel): AskedFigure | null {
  const [target] = panel.targets;
  if ((panel.kind !== "stat" && panel.kind !== "gauge") || target === undefined) return null;
  return {
    key: panel.key,
    title: panel.title,
    definition: panel.description,
    query: target.query,
    lineQuery: target.query.replaceAll(/\$\{?__range\}?\]/g, "$__interval]").replaceAll(/\$\{?__range_s\}?/g, "($__interval_ms / 1000)"),
    source: target.source || panel.source,
    look: lookOf(panel.field, { name: panel.title, refId: target.refId, kind: "number" }),
  };
}

/** The metrics that queries read, in the order of the queries; those of a histogram by the histogram's name. */
export function metricsIn(queries: readonly string[], metrics: readonly Metric[]): Metric[] {
  const known = new Map(metrics.map((metric) => [metric.name, metric]));
  const found = new Set<Metric>();
  for (const { metric } of queries.flatMap(selectorsIn)) {
    const one = known.get(metric) ?? known.get(metric.replace(/_(?:bucket|sum|count)$/, ""));
    if (one !== undefined) found.add(one);
  }
  return [...found];
}

/** Its thresholds say which way a figure gets better; where it has none, its metric does. */
export function betterOf({ look, query }: AskedFigure, metrics: readonly Metric[]): "higher" | "lower" | "neither" {
  const good = "var(--state-success)";
  if (look.steps.length > 1) {
    if (look.steps.at(-1)?.colour === good) return "higher";
    if (look.steps[0]?.colour === good) return "lower";
  }
  return metricsIn([query], metrics)[0]?.better ?? "neither";
}
