/** What a chart over time draws. */
import type { Labels } from "../api/prometheus";
import type { Shown } from "../units/format";

export type DrawStyle = "line" | "bars" | "points";

export interface ChartSeries {
  /** Tells it from the others, also when data comes anew. */
  key: string;
  name: string;
  /** One for each time; null where there is none. */
  values: readonly (number | null)[];
  colour: string;
  style: DrawStyle;
  /** Pixels. */
  width: number;
  /** From 0 to 1. */
  fill: number;
  dashed: boolean;
  steps: boolean;
  smooth: boolean;
  axis: "left" | "right";
  /** Series of one stack lie on each other; empty is none. */
  stack: string;
  spanNulls: boolean;
  shown: Shown;
  labels: Labels;
  /** The query it comes from. */
  query: string;
}

export interface Threshold {
  value: number;
  colour: string;
}

/** Values as they are drawn: those in a stack lie on those before them. */
export function stacked(series: readonly ChartSeries[], hidden: ReadonlySet<string>): (number | null)[][] {
  const sums = new Map<string, number[]>();
  return series.map((one) => {
    if (one.stack === "" || hidden.has(one.key)) return one.values.map(drawable);
    const below = sums.get(one.stack) ?? one.values.map(() => 0);
    const drawn = one.values.map((value, index) => (below[index] ?? 0) + (drawable(value) ?? 0));
    sums.set(one.stack, drawn);
    return one.values.map((value, index) => (drawable(value) === null ? null : (drawn[index] ?? null)));
  });
}

function drawable(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : value;
}

/** The least and the greatest value that is drawn on an axis; null where nothing is. */
export function extent(drawn: readonly (readonly (number | null)[])[]): [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const values of drawn) {
    for (const value of values) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? null : [low, high];
}
