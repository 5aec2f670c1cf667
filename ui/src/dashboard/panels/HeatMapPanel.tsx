/** How a distribution went: time across, buckets up, the more the stronger. */
import { useMemo } from "react";
import { type Cell, GridChart } from "../../chart/GridChart";
import { counted, figure } from "../../parts/words";
import { format } from "../../units/format";
import { type Bucket, bucketsOf } from "../frames";
import { text } from "../json";
import { type Drawn, optionsOf } from "./drawn";
import { Missing } from "./Missing";

const noTimes: number[] = [];

export function HeatMapPanel({ panel, title, fields, step, span, height, onZoom, factsOf, onFacts }: Drawn) {
  const buckets = useMemo(() => filledOnes(bucketsOf(fields)), [fields]);
  const times = fields[0]?.times ?? noTimes;
  const unit = text(optionsOf(panel, "yAxis").unit) || fields[0]?.look.unit || "short";
  const cells = useMemo(() => cellsOf(buckets, times, step), [buckets, times, step]);
  const rows = useMemo(() => buckets.map(({ edge, above }) => (Number.isFinite(edge) ? `≤ ${format(edge, { unit, decimals: null })}` : `> ${format(above, { unit, decimals: null })}`)), [buckets, unit]);
  if (panel.options.calculate === true || buckets.length === 0) {
    return <Missing title="This heat map cannot be drawn">It needs the buckets of a histogram: series that differ by their label <code>le</code>.</Missing>;
  }
  return (
    <GridChart
      label={`${title}: a heat map of ${counted(rows.length, "bucket")}`}
      times={times}
      step={step}
      span={span}
      rows={rows}
      cells={cells}
      height={height}
      onZoom={onZoom}
      tip={(row, index) => figure(Math.round((buckets[row]?.values[index] ?? 0) * 100) / 100)}
      onChoose={(_, time) => {
        const [field] = fields;
        const search = field ? factsOf(field.query, field.labels, time) : null;
        if (search !== null) onFacts(search);
      }}
    />
  );
}

/** Without the buckets below the lowest and above the highest that hold anything. */
function filledOnes(buckets: Bucket[]): Bucket[] {
  const holds = ({ values }: Bucket) => values.some((value) => value !== null && value > 0);
  const first = buckets.findIndex(holds);
  return first < 0 ? buckets : buckets.slice(first, buckets.findLastIndex(holds) + 1);
}

function cellsOf(buckets: readonly Bucket[], times: readonly number[], step: number): Cell[] {
  const most = buckets.reduce((greatest, { values }) => values.reduce<number>((each, value) => Math.max(each, value ?? 0), greatest), 0);
  return buckets.flatMap(({ values }, row) =>
    values.flatMap((value, index): Cell[] => {
      if (value === null || value === 0) return [];
      const time = times[index] ?? 0;
      // By the root, so that rare ones are seen beside many.
      return [{ row, from: time - step / 2, until: time + step / 2, colour: "var(--accent)", strength: 0.12 + 0.88 * Math.sqrt(value / most), text: "" }];
    }),
  );
}
