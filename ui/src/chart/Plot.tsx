/** A drawing over time by uPlot, with what a pointer over it says. */
import { useComputedColorScheme } from "@mantine/core";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import type uPlot from "uplot";
import { useTimeZone } from "../parts/timezone";
import css from "./chart.module.css";
import { type Look, plotOptions } from "./plotOptions";
import type { ChartSeries } from "./series";
import { useUPlot } from "./useUPlot";

export interface Hover {
  index: number;
  /** Pixels from the left and the top of the drawing. */
  left: number;
  top: number;
  /** Where on the axis of values. */
  value: number;
  /** The series that the pointer is next to. */
  near: number | null;
}

export interface PlotProps {
  label: string;
  times: readonly number[];
  series: readonly ChartSeries[];
  drawn: (number | null)[][];
  look: Omit<Look, "width" | "zone">;
  /** A time range was marked. */
  onZoom?: ((from: number, until: number) => void) | undefined;
  /** A place was clicked. */
  onChoose?: ((hover: Hover) => void) | undefined;
  /** What stands beside the pointer. */
  tip: (hover: Hover) => ReactNode;
}

/** Below so many pixels a movement was a click. */
const leastMark = 6;

export function Plot({ label, times, series, drawn, look, onZoom, onChoose, tip }: PlotProps) {
  const maker = useUPlot();
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const zone = useTimeZone();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const latest = useRef({ onZoom, onChoose });
  useLayoutEffect(() => {
    latest.current = { onZoom, onChoose };
  });

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const options = plotOptions(maker, series, drawn, { ...look, zone, width: Math.max(120, element.clientWidth) });
    let now: Hover | null = null;
    options.hooks = {
      setCursor: [
        (self) => {
          const { idx, left = -1, top = -1 } = self.cursor;
          // oxlint-disable-next-line eslint/no-underscore-dangle -- uPlot tells in no other way which series the pointer is next to
          const near = self.series.findIndex((one, index) => index > 0 && (one as { _focus?: boolean })._focus === true);
          now = idx == null || left < 0 ? null : { index: idx, left, top, value: self.posToVal(top, "left"), near: near > 0 ? near - 1 : null };
          setHover(now);
        },
      ],
      setSelect: [
        (self) => {
          const { left, width } = self.select;
          if (width >= leastMark) latest.current.onZoom?.(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      ready: [
        (self) => {
          self.over.addEventListener("click", () => {
            if (now !== null) latest.current.onChoose?.(now);
          });
        },
      ],
    };
    plot.current = new maker(options, [times as number[], ...drawn] as uPlot.AlignedData, element);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
    // The scheme's colours are read while drawing.
  }, [maker, series, drawn, look, times, zone, scheme]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const watcher = new ResizeObserver(() => {
      const width = Math.max(120, element.clientWidth);
      if (plot.current !== null && plot.current.width !== width) plot.current.setSize({ width, height: look.height });
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [look.height]);

  const shown = hover !== null && hover.index < times.length ? hover : null;
  return (
    <div className={css.plot} style={{ height: look.height }} data-choosable={onChoose !== undefined}>
      <div ref={box} className={css.canvas} role="img" aria-label={label} />
      {shown === null ? null : (
        <div className={css.tip} style={tipPlace(shown, plot.current)} aria-hidden="true">
          {tip(shown)}
        </div>
      )}
    </div>
  );
}

/** Beside the pointer, on the side that has more room. */
function tipPlace(hover: Hover, plot: uPlot | null): React.CSSProperties {
  const ratio = devicePixelRatio || 1;
  const offset = (plot?.bbox.left ?? 0) / ratio;
  const width = (plot?.bbox.width ?? 0) / ratio;
  const x = offset + hover.left;
  const side = hover.left > width / 2 ? { right: `calc(100% - ${x - 14}px)` } : { left: x + 14 };
  return { ...side, top: Math.max(0, Math.min(hover.top - 12, (plot?.height ?? 200) - 80)) };
}
