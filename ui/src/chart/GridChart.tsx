/** Cells over time in rows, for heat maps and for states: drawn with the same axes, pointer and marking as lines are. */
import { Suspense, useMemo } from "react";
import type uPlot from "uplot";
import { useTimeZone } from "../parts/timezone";
import type { Span } from "../time/range";
import { pointInWords } from "./axis";
import css from "./chart.module.css";
import { faded, onCanvas } from "./colours";
import { type Hover, Plot } from "./Plot";
import type { ChartSeries } from "./series";

export interface Cell {
  row: number;
  /** Seconds. */
  from: number;
  until: number;
  colour: string;
  /** From 0 to 1. */
  strength: number;
  /** Written into it where there is room. */
  text: string;
}

interface GridChartProps {
  label: string;
  times: readonly number[];
  step: number;
  span: Span;
  /** From the bottom to the top. */
  rows: readonly string[];
  cells: readonly Cell[];
  height: number;
  onZoom: (from: number, until: number) => void;
  /** What the pointer is over, in words. */
  tip: (row: number, index: number) => string;
  onChoose?: (row: number, time: number) => void;
}

const noSeries: ChartSeries[] = [];
const noValues: (number | null)[][] = [];

export function GridChart({ label, times, step, span, rows, cells, height, onZoom, tip, onChoose }: GridChartProps) {
  const zone = useTimeZone();
  const look = useMemo(() => ({ height, step, span, rows, plugins: [cellsPlugin(cells)] }), [height, step, span, rows, cells]);
  const told = ({ index, value }: Hover) => {
    const row = Math.floor(value);
    return (
      <>
        <div className={css.tipTime}>{pointInWords(times[index] ?? 0, step, zone)}</div>
        <div>
          {rows[row] ?? ""}: <strong>{tip(row, index)}</strong>
        </div>
      </>
    );
  };
  return (
    <Suspense fallback={<div style={{ height }} aria-busy="true" />}>
      <Plot
        label={label}
        times={times}
        series={noSeries}
        drawn={noValues}
        look={look}
        onZoom={onZoom}
        onChoose={onChoose ? ({ index, value }) => onChoose(Math.floor(value), times[index] ?? 0) : undefined}
        tip={told}
      />
    </Suspense>
  );
}

function cellsPlugin(cells: readonly Cell[]): uPlot.Plugin {
  return {
    hooks: {
      drawAxes: (plot) => {
        const { ctx, bbox } = plot;
        const ratio = devicePixelRatio || 1;
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        ctx.font = `${11 * ratio}px "Inter Variable", system-ui, sans-serif`;
        ctx.textBaseline = "middle";
        ctx.textAlign = "left";
        const colours = new Map<string, string>();
        const surface = onCanvas("var(--surface)");
        for (const { row, from, until, colour, strength, text } of cells) {
          const known = colours.get(colour) ?? onCanvas(colour);
          colours.set(colour, known);
          const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
          const right = plot.valToPos(until, "x", true);
          const top = plot.valToPos(row + 1, "left", true);
          const bottom = plot.valToPos(row, "left", true);
          ctx.fillStyle = faded(known, strength);
          const gap = bottom - top > 14 ? 2 : 1;
          ctx.fillRect(Math.round(left), Math.round(top) + gap, Math.max(1, Math.round(right) - Math.round(left) - (text === "" ? 1 : 0)), Math.max(1, Math.round(bottom - top) - 2 * gap));
          const padding = 6 * ratio;
          if (text !== "" && ctx.measureText(text).width + 2 * padding < right - left && bottom - top > 14 * ratio) {
            ctx.fillStyle = surface;
            ctx.fillText(text, left + padding, (top + bottom) / 2);
          }
        }
        ctx.restore();
      },
    },
  };
}
