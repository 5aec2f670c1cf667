/** Asks what a figure is, what it was over the same time before, and how it went. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { Metric } from "../api/measure";
import { instantQuery, rangeQuery } from "../api/prometheus";
import { show } from "../dashboard/fields";
import type { Around } from "../dashboard/usePanelData";
import { sourceOf } from "../dashboard/usePanelData";
import { filled } from "../dashboard/variables";
import type { ShownFigure } from "../parts/FigureCard";
import { stepFor } from "../time/step";
import { format } from "../units/format";
import { type AskedFigure, betterOf, metricsIn } from "./figures";

/** As many points as a line without axes shows. */
const linePoints = 40;

interface Known {
  figure: ShownFigure;
  /** With variables filled in. */
  query: string;
  waiting: boolean;
  error: unknown;
}

export function useFigure(asked: AskedFigure, { settled, range, span, sources }: Around, metrics: readonly Metric[]): Known {
  const length = span.until - span.from;
  const bucket = metricsIn([asked.query], metrics)[0]?.bucket_seconds ?? 60;
  const step = stepFor(length, linePoints, bucket);
  const source = sourceOf(asked.source, settled, span, {}, sources);
  const query = filled(asked.query, settled, span, step);
  const kept = { placeholderData: keepPreviousData };
  const now = useQuery({ ...instantQuery({ source, query, range }), ...kept });
  const before = useQuery({ ...instantQuery({ source, query, range, before: length }), ...kept });
  const line = useQuery({ ...rangeQuery({ source, query: filled(asked.lineQuery, settled, span, step), range, step }), ...kept });
  const { look } = asked;
  const figure: ShownFigure = {
    title: asked.title,
    definition: asked.definition,
    value: single(now.data?.rows[0]?.value),
    before: single(before.data?.rows[0]?.value),
    better: betterOf(asked, metrics),
    points: (line.data?.series[0]?.values ?? []).map((value) => single(value)),
    format: (value) => show(value, look).text,
    difference: (value) => (look.unit === "percentunit" ? `${(value * 100).toFixed(1)} points` : format(value, look)),
  };
  return { figure, query, waiting: now.isPending, error: now.error };
}

/** What cannot be worked out, as in none of none, is no figure. */
function single(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value;
}
