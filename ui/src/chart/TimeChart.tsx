/** Series over time, with their legend. */
import { Suspense, useMemo, useState } from "react";
import { useTimeZone } from "../parts/timezone";
import type { Span } from "../time/range";
import { format } from "../units/format";
import { pointInWords } from "./axis";
import css from "./chart.module.css";
import { Legend, type LegendColumn } from "./Legend";
import { type Hover, Plot } from "./Plot";
import { type ChartSeries, stacked, type Threshold } from "./series";

export interface TimeChartProps {
  /** What it shows, read out in place of the drawing. */
  label: string;
  times: readonly number[];
  step: number;
  series: readonly ChartSeries[];
  /** What the axis of time spans; without it from the first point to the last. */
  span?: Span;
  /** Pixels, the legend not counted. */
  height: number;
  min?: number | undefined;
  max?: number | undefined;
  logarithmic?: boolean;
  thresholds?: readonly Threshold[];
  legend?: "list" | "table" | "none";
  legendColumns?: readonly LegendColumn[];
  onZoom?: (from: number, until: number) => void;
  /** A series was clicked at one of its points. */
  onChoose?: (series: ChartSeries, time: number) => void;
}

const none: ReadonlySet<string> = new Set();
const noThresholds: readonly Threshold[] = [];

export function TimeChart(props: TimeChartProps) {
  const { label, times, step, series, span, height, min, max, logarithmic, thresholds = noThresholds, legend = "list", legendColumns, onZoom, onChoose } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(none);
  const zone = useTimeZone();
  // What lies on top of a stack is drawn first, so that what lies below is seen before it.
  const order = useMemo(() => {
    const seen = series.filter((one) => !hidden.has(one.key));
    const drawn = stacked(seen, none);
    const pairs = seen.map((one, index) => ({ one, values: drawn[index] ?? [] }));
    return pairs.some(({ one }) => one.stack !== "") ? pairs.toReversed() : pairs;
  }, [series, hidden]);
  const drawn = useMemo(() => order.map(({ values }) => values), [order]);
  const shownSeries = useMemo(() => order.map(({ one }) => one), [order]);
  const look = useMemo(
    () => ({ height, step, span: span ?? { from: times[0] ?? 0, until: times.at(-1) ?? 1 }, min, max, logarithmic, thresholds }),
    [height, step, span, times, min, max, logarithmic, thresholds],
  );

  function choose({ index, near, value }: Hover): void {
    const nearest = near === null ? closest(drawn, index, value) : near;
    const chosen = nearest === null ? undefined : shownSeries[nearest];
    const time = times[index];
    if (chosen && time !== undefined) onChoose?.(chosen, time);
  }

  const told = ({ index, near }: Hover) => (
    <>
      <div className={css.tipTime}>{pointInWords(times[index] ?? 0, step, zone)}</div>
      {tipRows(shownSeries, index, near).map(({ one, value, bold }) => (
        <div key={one.key} className={css.tipRow} data-near={bold}>
          <span className={css.swatch} style={{ background: one.colour }} />
          <span className={css.tipName}>{one.name}</span>
          <span className="figures">{format(value, one.shown)}</span>
        </div>
      ))}
    </>
  );

  return (
    <div>
      <Suspense fallback={<div style={{ height }} aria-busy="true" />}>
        <Plot
          label={`${label}: ${summary(series)}`}
          times={times}
          series={shownSeries}
          drawn={drawn}
          look={look}
          onZoom={onZoom}
          onChoose={onChoose ? choose : undefined}
          tip={told}
        />
      </Suspense>
      {legend === "none" ? null : <Legend series={series} hidden={hidden} onHide={setHidden} {...(legend === "table" ? { columns: legendColumns ?? [] } : {})} />}
    </div>
  );
}

/** As many as can be read at a glance. */
const tipMost = 12;

function tipRows(series: readonly ChartSeries[], index: number, near: number | null) {
  return series
    .map((one, at) => ({ one, value: one.values[index] ?? null, bold: at === near }))
    .filter((row) => row.value !== null)
    .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))
    .filter((row, at) => at < tipMost || row.bold);
}

function closest(drawn: readonly (readonly (number | null)[])[], index: number, value: number): number | null {
  let best: number | null = null;
  let distance = Number.POSITIVE_INFINITY;
  drawn.forEach((values, at) => {
    const here = values[index];
    if (here == null) return;
    const away = Math.abs(here - value);
    if (away < distance) [best, distance] = [at, away];
  });
  return best;
}

/** The newest figure of the first few series, for who cannot see the drawing. */
function summary(series: readonly ChartSeries[]): string {
  if (series.length === 0) return "no data";
  const first = series.slice(0, 5).map((one) => `${one.name} ${format(one.values.findLast((value) => value !== null) ?? null, one.shown)}`);
  return `${first.join(", ")}${series.length > 5 ? ` and ${series.length - 5} more` : ""} at the end`;
}
