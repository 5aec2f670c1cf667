/** Series over time, as lines, bars or points. */
import { useElementSize } from "@mantine/hooks";
import { useMemo } from "react";
import type { ChartSeries, DrawStyle, Threshold } from "../../chart/series";
import { TimeChart } from "../../chart/TimeChart";
import { format } from "../../units/format";
import { colourOfSeries, stepValue } from "../fields";
import type { Field } from "../frames";
import { flag, list, number, oneOf, record, text } from "../json";
import { reduce, reducedWords } from "../reduce";
import { type Drawn, optionsOf } from "./drawn";

/** More lines than these say nothing to anybody. */
const mostSeries = 60;

export function TimeSeriesPanel({ panel, title, fields, step, span, height, onZoom, factsOf, onFacts }: Drawn) {
  const series = useMemo(() => seriesOf(fields.slice(0, mostSeries)), [fields]);
  const legend = optionsOf(panel, "legend");
  const mode = legend.showLegend === false ? "none" : oneOf(legend.displayMode, "list", "table", "hidden");
  const calcs = list(legend.calcs).map((calc) => text(calc));
  const shown = mode === "hidden" ? "none" : mode === "table" || calcs.length > 0 ? "table" : mode;
  const { ref: box, width } = useElementSize<HTMLDivElement>();
  const rows = shown === "none" ? 0 : shown === "table" ? Math.min(110, 26 + series.length * 24) : legendHeight(series, width);
  const look = fields[0]?.look;
  const thresholds = useMemo<Threshold[]>(() => {
    const style = text(record(look?.custom.thresholdsStyle).mode, "off");
    if (look === undefined || style === "off") return [];
    return look.steps.filter((one) => Number.isFinite(one.from)).map((one) => ({ value: stepValue(one, look), colour: one.colour }));
  }, [look]);
  const isPercent = fields.some((field) => record(field.look.custom.stacking).mode === "percent");
  return (
    <div ref={box}>
      <TimeChart
        label={title}
        times={fields.find((field) => field.times.length > 1)?.times ?? fields[0]?.times ?? []}
        step={step}
        series={series}
        span={span}
        height={Math.max(90, height - rows)}
        min={look?.min ?? number(look?.custom.axisSoftMin) ?? undefined}
        max={look?.max ?? (isPercent ? 1 : undefined)}
        logarithmic={record(look?.custom.scaleDistribution).type === "log"}
        thresholds={thresholds}
        legend={shown}
        legendColumns={calcs.map((calc) => ({ title: reducedWords[calc] ?? calc, of: (one) => format(reduce(one.values, calc), one.shown) }))}
        onZoom={onZoom}
        onChoose={(one, time) => {
          const search = factsOf(one.query, one.labels, time);
          if (search !== null) onFacts(search);
        }}
      />
    </div>
  );
}

/** Pixels that a list of names takes: two lines of it at the most, the rest is scrolled to. */
function legendHeight(series: readonly ChartSeries[], width: number): number {
  const [mark, letter, line] = [32, 6.6, 24];
  let [lines, used] = [1, 0];
  for (const { name } of series) {
    const wide = mark + name.length * letter;
    if (width > 0 && used > 0 && used + wide > width) [lines, used] = [lines + 1, 0];
    used += wide;
  }
  return Math.min(2, lines) * line + 4;
}

function seriesOf(fields: readonly Field[]): ChartSeries[] {
  const longest = Math.max(...fields.map((field) => field.times.length));
  const drawn = fields.filter((field) => field.times.length === longest).map((field, index): ChartSeries => {
    const { custom } = field.look;
    const stacking = record(custom.stacking);
    const style = oneOf<DrawStyle>(custom.drawStyle, "line", "bars", "points");
    const stack = stacking.mode === "normal" || stacking.mode === "percent" ? `${text(stacking.group, "A")}${stacking.mode === "percent" ? "%" : ""}` : "";
    return {
      key: field.key,
      name: field.name,
      values: field.values,
      colour: colourOfSeries(field.look, index, reduce(field.values, "lastNotNull")),
      style,
      width: number(custom.lineWidth) ?? 1.6,
      fill: (number(custom.fillOpacity) ?? 0) / 100,
      dashed: record(custom.lineStyle).fill === "dash" || record(custom.lineStyle).fill === "dot",
      steps: text(custom.lineInterpolation).startsWith("step"),
      smooth: custom.lineInterpolation === "smooth",
      axis: custom.axisPlacement === "right" ? "right" : "left",
      stack,
      spanNulls: flag(custom.spanNulls) || typeof custom.spanNulls === "number",
      shown: stack.endsWith("%") ? { unit: "percentunit", decimals: null } : { unit: field.look.unit || "short", decimals: field.look.decimals },
      labels: field.labels,
      query: field.query,
    };
  });
  return drawn.some((one) => one.stack.endsWith("%")) ? asShares(drawn) : drawn;
}

/** Each value as its share of what lies in the same stack at the same time. */
function asShares(series: ChartSeries[]): ChartSeries[] {
  return series.map((one) => {
    if (!one.stack.endsWith("%")) return one;
    const others = series.filter((other) => other.stack === one.stack);
    const values = one.values.map((value, at) => {
      const sum = others.reduce((total, other) => total + (other.values[at] ?? 0), 0);
      return value === null || sum === 0 ? null : value / sum;
    });
    return { ...one, values };
  });
}
