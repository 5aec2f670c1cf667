/** Which state each series was in, and for how long. */
import { useMemo } from "react";
import { seriesColour } from "../../chart/colours";
import { type Cell, GridChart } from "../../chart/GridChart";
import { show } from "../fields";
import type { Field } from "../frames";
import type { Drawn } from "./drawn";

export function StateTimelinePanel({ title, fields, step, span, height, onZoom, factsOf, onFacts }: Drawn) {
  // The first series stands on top; rows are counted from the bottom.
  const lanes = useMemo(() => fields.slice(0, 40).toReversed(), [fields]);
  const times = lanes[0]?.times ?? [];
  const rows = useMemo(() => lanes.map((field) => field.name), [lanes]);
  const cells = useMemo(() => lanes.flatMap((field, row) => cellsOf(field, row, step)), [lanes, step]);
  const now = lanes.toReversed().slice(0, 6).map((field) => `${field.name} ${wordOf(field, field.values.length - 1)}`);
  return (
    <GridChart
      label={`${title}: ${now.join(", ")} at the end`}
      times={times}
      step={step}
      span={span}
      rows={rows}
      cells={cells}
      height={height}
      onZoom={onZoom}
      tip={(row, index) => {
        const field = lanes[row];
        return field === undefined ? "" : wordOf(field, index);
      }}
      onChoose={(row, time) => {
        const field = lanes[row];
        const search = field ? factsOf(field.query, field.labels, time) : null;
        if (search !== null) onFacts(search);
      }}
    />
  );
}

function wordOf(field: Field, index: number): string {
  return show(field.values[index] ?? null, field.look).text;
}

/** A range of equal words is one cell. */
function cellsOf(field: Field, row: number, step: number): Cell[] {
  const cells: (Cell & { word: string })[] = [];
  field.values.forEach((value, index) => {
    if (value === null || Number.isNaN(value)) return;
    const { text, colour } = show(value, field.look);
    const from = (field.times[index] ?? 0) - step / 2;
    const last = cells.at(-1);
    if (last !== undefined && last.word === text && Math.abs(last.until - from) < 1) last.until = from + step;
    else cells.push({ row, from, until: from + step, colour: colour ?? seriesColour(0), strength: 0.9, text, word: text });
  });
  return cells;
}
