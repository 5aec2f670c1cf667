/** What came back: a graph or a table, what the server remarks about it, and why where nothing did. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Metric } from "../../api/measure";
import type { InstantAnswer, RangeAnswer } from "../../api/prometheus";
import { chartSeries, unitOfQuery } from "../../chart/fromAnswer";
import { seriesName } from "../../chart/seriesName";
import type { ChartSeries } from "../../chart/series";
import { TimeChart } from "../../chart/TimeChart";
import type { FactsSearch } from "../../facts/link";
import { useFactsLink } from "../../facts/useFactsLink";
import { Panel } from "../../parts/Panel";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { counted } from "../../parts/words";
import type { Span } from "../../time/range";
import { format } from "../../units/format";
import css from "./ExplorePage.module.css";
import { NoData } from "./NoData";
import { Remarks } from "./Remarks";
import type { Explored } from "./state";

export interface Answered {
  /** As it was written. */
  query: string;
  /** As it was asked, with what it left to the page filled in. */
  text: string;
  range: RangeAnswer | undefined;
  instant: InstantAnswer | undefined;
}

interface ResultsProps {
  answered: readonly Answered[];
  explored: Explored;
  span: Span;
  step: number;
  busy: boolean;
  metrics: readonly Metric[];
  onZoom: (from: number, until: number) => void;
  onAsk: (query: string, index: number) => void;
}

/** More lines than these say nothing to anybody, and cost much. */
const mostDrawn = 100;

export function Results({ answered, explored, span, step, busy, metrics, onZoom, onAsk }: ResultsProps) {
  const isGraph = explored.view === "graph";
  const answers = answered.map((one) => (isGraph ? one.range : one.instant));
  const empty = answered.flatMap((one, index) => {
    const answer = answers[index];
    const count = answer === undefined ? 1 : "series" in answer ? answer.series.length : answer.rows.length;
    return one.query !== "" && count === 0 ? [{ ...one, index }] : [];
  });
  return (
    <>
      <Remarks warnings={answers.flatMap((answer) => answer?.warnings ?? [])} infos={answers.flatMap((answer) => answer?.infos ?? [])} />
      {isGraph ? (
        <Graph answered={answered} explored={explored} span={span} step={step} busy={busy} metrics={metrics} onZoom={onZoom} />
      ) : (
        <Rows answered={answered} span={span} metrics={metrics} busy={busy} />
      )}
      {empty.map((one) => (
        <NoData key={one.query} query={one.text} span={span} instant={!isGraph} metrics={metrics} source={explored.source} onAsk={(query) => onAsk(query, one.index)} />
      ))}
    </>
  );
}

function Graph({ answered, explored, span, step, busy, metrics, onZoom }: Omit<ResultsProps, "onAsk">) {
  const navigate = useNavigate();
  const factsLink = useFactsLink();
  const first = answered.find((one) => one.range !== undefined)?.range;
  const { series, left } = useMemo(() => {
    const all: ChartSeries[] = [];
    answered.forEach(({ query, text, range }, index) => {
      if (range === undefined) return;
      const drawing = explored.drawing === "lines" ? "line" : "bars";
      all.push(...chartSeries(range, text, { style: drawing, stack: explored.drawing === "stack", unit: unitOfQuery(query, metrics), offset: all.length, key: String(index) }));
    });
    return { series: all.slice(0, mostDrawn), left: Math.max(0, all.length - mostDrawn) };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the answers themselves, not the list that holds them
  }, [...answered.map((one) => one.range), explored.drawing, metrics]);
  const times = first?.times;

  if (times === undefined) return busy ? <Panel><div className={css.waiting} aria-busy="true" /></Panel> : null;
  if (series.length === 0) return null;
  return (
    <Panel title="Graph" aside={<span>{left > 0 ? `the first ${mostDrawn} of ${counted(series.length + left, "series", "series")}: narrow the query to see the others` : counted(series.length, "series", "series")}</span>}>
      <TimeChart
        label="Graph"
        times={times}
        step={step}
        series={series}
        span={span}
        height={340}
        onZoom={onZoom}
        onChoose={(one, time) => {
          const search = factsLink(one.query, one.labels, time);
          if (search !== null) void navigate({ to: "/facts", search });
        }}
      />
    </Panel>
  );
}

interface Row {
  key: string;
  name: string;
  value: number;
  unit: string;
  facts: FactsSearch | null;
}

function Rows({ answered, span, metrics, busy }: Pick<ResultsProps, "answered" | "span" | "metrics" | "busy">) {
  const factsLink = useFactsLink();
  const rows: Row[] = answered.flatMap(({ query, text, instant }, index) =>
    (instant?.rows ?? []).map(({ labels, value }) => ({
      key: `${index} ${JSON.stringify(labels)}`,
      name: seriesName(labels, query),
      value,
      unit: unitOfQuery(query, metrics),
      facts: factsLink(text, labels, span.until),
    })),
  );
  if (rows.length === 0) return busy ? <Panel><div className={css.waiting} aria-busy="true" /></Panel> : null;
  return <DataTable label="Series" columns={columns} rows={rows} idOf={(row) => row.key} filter={rows.length > 10} />;
}

const columns: Column<Row>[] = [
  { id: "series", title: "Series", sortBy: (row) => row.name, text: (row) => row.name, cell: (row) => <code className={css.series}>{row.name}</code> },
  { id: "value", title: "Value", width: "180px", align: "end", sortBy: (row) => row.value, cell: (row) => <span title={String(row.value)}>{format(row.value, { unit: row.unit, decimals: null })}</span> },
  {
    id: "facts",
    title: "Behind it",
    width: "110px",
    align: "end",
    cell: (row) =>
      row.facts === null ? null : (
        <Link to="/facts" search={row.facts} aria-label={`Facts behind ${row.name}`}>
          Facts
        </Link>
      ),
  },
];
