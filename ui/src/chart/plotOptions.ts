/** How a chart over time is drawn, in uPlot's words. */
import type uPlot from "uplot";
import type { TimeZone } from "../parts/timezone";
import type { Span } from "../time/range";
import { format, type Shown } from "../units/format";
import { momentsInWords } from "./axis";
import { faded, onCanvas } from "./colours";
import { increments, logarithmicSplits } from "./ticks";
import { type ChartSeries, extent, type Threshold } from "./series";

export interface Look {
  width: number;
  height: number;
  zone: TimeZone;
  span: Span;
  step: number;
  min?: number | undefined;
  max?: number | undefined;
  logarithmic?: boolean | undefined;
  thresholds?: readonly Threshold[] | undefined;
  /** Draws over or under the grid, for kinds of charts that uPlot does not have itself. */
  plugins?: uPlot.Plugin[];
  /** What stands beside the left axis where it is no figure. */
  rows?: readonly string[] | undefined;
}

const font = '11px "Inter Variable", system-ui, sans-serif';

export function plotOptions(maker: typeof uPlot, series: readonly ChartSeries[], drawn: (number | null)[][], look: Look): uPlot.Options {
  const hasBars = series.some((one) => one.style === "bars");
  const edge = hasBars || look.rows !== undefined ? look.step / 2 : 0;
  const right = series.some((one) => one.axis === "right");
  return {
    width: look.width,
    height: look.height,
    // On the right there is room for half of the words under the last line.
    padding: [8, right ? 0 : 20, 0, 0],
    legend: { show: false },
    cursor: {
      points: { size: 6, width: 1 },
      drag: { x: true, y: false, setScale: false },
      focus: { prox: 24 },
    },
    focus: { alpha: 0.4 },
    scales: {
      x: { time: true, range: () => [look.span.from - edge, look.span.until + edge] },
      left: scale(maker, series, drawn, "left", look),
      right: scale(maker, series, drawn, "right", look),
    },
    axes: [timeAxis(look), valueAxis(series, "left", look), ...(right ? [valueAxis(series, "right", look)] : [])],
    series: [{}, ...series.map((one) => drawnSeries(maker, one))],
    plugins: [...(look.thresholds?.length ? [thresholdLines(look.thresholds)] : []), ...(look.plugins ?? [])],
  };
}

function scale(maker: typeof uPlot, series: readonly ChartSeries[], drawn: (number | null)[][], side: "left" | "right", look: Look): uPlot.Scale {
  if (look.rows !== undefined) return { range: [0, look.rows.length], auto: false };
  const found = extent(drawn.filter((_, index) => series[index]?.axis === side)) ?? [0, 1];
  // What is drawn as a surface is read by its height, so it begins at zero; so does a line that comes near to it.
  const surface = series.some((one) => one.axis === side && (one.style === "bars" || one.fill > 0));
  const [low, high] = found;
  // Nothing but zeros lies on the floor of a scale, however far that reaches.
  if (low === 0 && high === 0) return { range: [0, look.max ?? 1] };
  if (look.logarithmic === true && low > 0) return { distr: 3, range: [low / 1.5, high * 1.5] };
  const from = look.min ?? (low >= 0 && (surface || low < high * 0.6) ? 0 : undefined);
  const limits = maker.rangeNum(from ?? low, high, 0.08, true);
  const [least, most] = [from ?? limits[0] ?? low, look.max ?? limits[1] ?? high];
  const range: [number, number] = [least, most > least ? most : least + 1];
  return { range: () => range };
}

function timeAxis(look: Look): uPlot.Axis {
  return {
    ...axisLook(),
    space: 70,
    size: 26,
    ...(look.zone === "utc" ? {} : {}),
    values: (_plot, times, _axis, _space, distance) => momentsInWords(times, distance, look.zone),
  };
}

function valueAxis(series: readonly ChartSeries[], side: "left" | "right", look: Look): uPlot.Axis {
  const own = series.find((one) => one.axis === side);
  const shown: Shown = { unit: own?.shown.unit ?? "short", decimals: own?.shown.decimals ?? null };
  const rows = look.rows;
  return {
    ...axisLook(),
    scale: side,
    side: side === "left" ? 3 : 1,
    space: 34,
    size: (_plot, values) => Math.max(28, ...(values ?? []).map((text) => (text?.length ?? 0) * 6.3 + 14)),
    ...(rows
      ? { splits: () => rows.map((_, index) => index + 0.5), values: () => rows.map((row) => (row.length > 22 ? `${row.slice(0, 21)}…` : row)) }
      : { values: (_plot: uPlot, values: number[]) => values.map((value) => format(value, shown)), ...ticks(shown.unit, look) }),
    grid: { show: side === "left" && rows === undefined, stroke: onCanvas("var(--chart-grid)"), width: 1 },
  };
}

/** Where the axis of values has its figures, for units that do not count by tens. */
function ticks(unit: string, look: Look): Partial<uPlot.Axis> {
  const incrs = increments(unit);
  if (incrs === null) return {};
  if (look.logarithmic !== true) return { incrs };
  return { splits: (_plot, _axis, least, most) => logarithmicSplits(unit, least, most), filter: (_plot, splits) => splits };
}

function axisLook(): uPlot.Axis {
  return {
    font,
    stroke: onCanvas("var(--text-dim)"),
    grid: { stroke: onCanvas("var(--chart-grid)"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
}

function drawnSeries(maker: typeof uPlot, one: ChartSeries): uPlot.Series {
  const colour = onCanvas(one.colour);
  const paths =
    one.style === "bars"
      ? maker.paths.bars?.({ size: [0.82, 64], radius: 0.08 })
      : one.style === "points"
        ? () => null
        : one.steps
          ? maker.paths.stepped?.({ align: 1 })
          : one.smooth
            ? maker.paths.spline?.()
            : maker.paths.linear?.();
  return {
    label: one.name,
    scale: one.axis,
    stroke: colour,
    width: one.style === "bars" ? 0 : one.width,
    // Bars of a stack stand before each other, so each has to hide what is behind it.
    ...(one.style === "bars" ? { fill: one.stack === "" ? faded(colour, 0.85) : colour } : one.fill > 0 ? { fill: faded(colour, one.fill) } : {}),
    ...(one.dashed ? { dash: [6, 4] } : {}),
    spanGaps: one.spanNulls,
    ...(paths ? { paths } : {}),
    points: {
      show: one.style !== "bars",
      size: one.style === "points" ? 5 : 4,
      fill: colour,
      ...(one.style === "points" ? {} : { filter: alone }),
    },
  };
}

/** A value between two gaps makes no line, so it is drawn as a point. */
function alone(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const found: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] != null && values[index - 1] == null && values[index + 1] == null) found.push(index);
  }
  return found;
}

function thresholdLines(thresholds: readonly Threshold[]): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.lineWidth = 1;
        ctx.setLineDash([4, 4]);
        for (const { value, colour } of thresholds) {
          const y = Math.round(plot.valToPos(value, "left", true));
          if (y < bbox.top || y > bbox.top + bbox.height) continue;
          ctx.strokeStyle = onCanvas(colour);
          ctx.beginPath();
          ctx.moveTo(bbox.left, y);
          ctx.lineTo(bbox.left + bbox.width, y);
          ctx.stroke();
        }
        ctx.restore();
      },
    },
  };
}
