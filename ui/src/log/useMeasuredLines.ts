/** Heights of wrapped lines, measured once they have been drawn; what one reads stays where it is meanwhile. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Heights, MeasuredHeights, UniformHeights } from "./heights";
import type { Layout } from "./layout";
import type { LineStore } from "./LineStore";
import type { Scroller } from "./useScroller";

const lineHeight = 20;
const uniform = new UniformHeights(lineHeight);

export interface LineHeights {
  heights: Heights;
  measured: MeasuredHeights;
  forget: () => void;
  changed: () => void;
}

export function useLineHeights(wrap: boolean): LineHeights {
  const measured = useRef(new MeasuredHeights(lineHeight));
  const [, setMeasurement] = useState(0);
  const changed = () => setMeasurement((count) => count + 1);
  return {
    heights: wrap ? measured.current : uniform,
    measured: measured.current,
    changed,
    forget: () => {
      measured.current = new MeasuredHeights(lineHeight);
      changed();
    },
  };
}

interface Measuring {
  wrap: boolean;
  lines: LineHeights;
  layout: Layout;
  scroller: Scroller;
  store: LineStore;
  /** Whether each line shows its time, which leaves less room for its text. */
  times: boolean;
}

export function useMeasuring({ wrap, lines, layout, scroller, store, times }: Measuring): void {
  // After every drawing, since any can have brought lines that were not measured yet.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  useLayoutEffect(() => {
    if (!wrap) return;
    let above = 0;
    let changed = false;
    for (const row of scroller.element.current?.querySelectorAll<HTMLElement>("[data-line]") ?? []) {
      const line = Number(row.dataset["line"]);
      if (store.get(line) === undefined) continue;
      const top = layout.topOfLine(line) ?? 0;
      const change = lines.measured.set(line - 1, row.offsetHeight);
      changed ||= change !== 0;
      if (top < scroller.top) above += change;
    }
    if (!changed) return;
    scroller.shift(above);
    lines.changed();
  });

  const { width } = scroller;
  const { forget } = lines;
  const latest = useRef(forget);
  latest.current = forget;
  // Another width breaks lines elsewhere.
  useEffect(() => latest.current(), [width, times]);
}
