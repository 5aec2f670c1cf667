/** Questions in PromQL: written with help, answered as a graph and as a table, and kept in the page's address. */
import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { metricsQuery, sourcesQuery } from "../../api/measure";
import { instantQuery, QueryError, rangeQuery } from "../../api/prometheus";
import { bucketOf, characterAt } from "../../chart/fromAnswer";
import { useCrumbs } from "../../frame/crumbs";
import { copyText } from "../../parts/copy";
import { Icon } from "../../parts/Icon";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { problemOf } from "../../api/problem";
import { serverNow } from "../../parts/clock";
import { withBuiltins } from "../../promql/builtins";
import { type Fault, QueryEditor } from "../../promql/QueryEditor";
import { resolveRange } from "../../time/range";
import { readDuration, stepFor } from "../../time/step";
import { TimeRangePicker } from "../../time/TimeRangePicker";
import { useTimeRange } from "../../time/useTimeRange";
import { useChangeSearch } from "../../useSearchParameters";
import { FirstQuery } from "./FirstQuery";
import css from "./ExplorePage.module.css";
import { MetricBrowser } from "./MetricBrowser";
import { type Answered, Results } from "./Results";
import { type Drawing, type Explored, mostQueries, readExplored, type View, writeExplored } from "./state";

/** As many points as a chart of the usual width can show apart. */
const points = 300;
const noMetrics: never[] = [];

export function ExplorePage() {
  useCrumbs([{ label: "Explore" }]);
  const search = useSearch({ from: "/framed/explore" });
  const explored = useMemo(() => readExplored(search), [search]);
  const changeSearch = useChangeSearch();
  const { range, setRange, zoom } = useTimeRange({ from: "now-30d", to: "now" });
  const metrics = useQuery(metricsQuery).data ?? noMetrics;
  const [browsing, setBrowsing] = useState(false);
  const [drafts, setDrafts] = useState(explored.queries);
  const [shown, setShown] = useState(explored.queries);
  // The address can change under the page, as by going back: then it is what counts.
  if (explored.queries.join("\n") !== shown.join("\n")) {
    setShown(explored.queries);
    setDrafts(explored.queries);
  }

  const span = resolveRange(range, serverNow());
  const longest = Math.max(1, ...explored.queries.map((query) => bucketOf(query, metrics) ?? 1));
  const step = readDuration(explored.step) || stepFor(span.until - span.from, points, longest);
  const texts = explored.queries.map((query) => withBuiltins(query, step, span));
  const asked = texts.map((query) => ({ source: explored.source, query: query.trim(), range }));
  const ranges = useQueries({ queries: asked.map((one) => ({ ...rangeQuery({ ...one, step }), enabled: one.query !== "" && explored.view === "graph" })) });
  const instants = useQueries({ queries: asked.map((one) => ({ ...instantQuery(one), enabled: one.query !== "" && explored.view === "table" })) });
  const answers = explored.view === "graph" ? ranges : instants;

  function change(part: Partial<Explored>): void {
    changeSearch(writeExplored({ ...explored, ...part }));
  }

  function run(queries: readonly string[]): void {
    const kept = queries.map((query) => query.trim());
    setDrafts(kept);
    if (kept.join("\n") === explored.queries.join("\n")) answers.forEach((answer, index) => asked[index]?.query === "" || void answer.refetch());
    else change({ queries: kept });
  }

  const set = (index: number, text: string) => setDrafts(drafts.map((draft, at) => (at === index ? text : draft)));
  const answered: Answered[] = explored.queries.map((query, index) => ({ query, text: texts[index] ?? query, range: ranges[index]?.data, instant: instants[index]?.data }));
  const isAsked = explored.queries.some((query) => query !== "");
  const busy = answers.some((answer) => answer.isFetching);

  function faultOf(index: number): Fault | null {
    const error = answers[index]?.error;
    if (error == null || drafts[index] !== explored.queries[index]) return null;
    const position = error instanceof QueryError && texts[index] === drafts[index] ? error.position : null;
    const problem = problemOf(error);
    const text = drafts[index] ?? "";
    return {
      message: `${problem.title}: ${problem.detail ?? ""}${problem.fix ? ` ${problem.fix}` : ""}`,
      start: position === null ? null : characterAt(text, position.start),
      end: position === null ? null : characterAt(text, position.end),
    };
  }

  return (
    <Page width="whole">
      <PageHead
        title="Explore"
        facts="Ask the series anything, in PromQL."
        actions={
          <>
            <SourceSelect source={explored.source} onChange={(source) => change({ source })} />
            <TimeRangePicker range={range} onChange={setRange} />
            <Button variant="default" leftSection={<Icon name="link" />} onClick={() => void copyText(location.href, "The link")}>
              Copy link
            </Button>
          </>
        }
      />
      <div className={css.content}>
        <Panel>
          <div className={css.queries}>
            {drafts.map((draft, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- a query is its place
              <div key={index} className={css.query}>
                <span className={css.letter} aria-hidden="true">
                  {String.fromCharCode(65 + index)}
                </span>
                <QueryEditor
                  label={`Query ${String.fromCharCode(65 + index)}`}
                  text={draft}
                  source={explored.source}
                  onChange={(text) => set(index, text)}
                  onRun={(text) => run(drafts.map((other, at) => (at === index ? text : other)))}
                  fault={faultOf(index)}
                />
                {drafts.length > 1 ? (
                  <Button variant="subtle" color="gray" px={6} aria-label={`Remove query ${String.fromCharCode(65 + index)}`} onClick={() => run(drafts.filter((_, at) => at !== index))}>
                    <Icon name="cross" />
                  </Button>
                ) : null}
              </div>
            ))}
          </div>
          <div className={css.tools}>
            <Button leftSection={<Icon name="play" size={14} />} loading={busy} onClick={() => run(drafts)}>
              Run query
            </Button>
            <Button variant="default" leftSection={<Icon name="plus" />} disabled={drafts.length >= mostQueries} onClick={() => setDrafts([...drafts, ""])}>
              Add query
            </Button>
            <Button variant="default" leftSection={<Icon name="search" />} aria-expanded={browsing} onClick={() => setBrowsing(!browsing)}>
              Metrics
            </Button>
            <span className={css.room} />
            <NativeSelect aria-label="Step" data={steps} value={explored.step} onChange={(event) => change({ step: event.currentTarget.value })} />
            {explored.view === "graph" ? (
              <SegmentedControl size="xs" aria-label="Drawing" data={drawings} value={explored.drawing} onChange={(value) => change({ drawing: value })} />
            ) : null}
            <SegmentedControl size="xs" aria-label="View" data={views} value={explored.view} onChange={(value) => change({ view: value })} />
          </div>
        </Panel>
        {browsing ? (
          <MetricBrowser
            source={explored.source}
            onChoose={(query) => {
              setBrowsing(false);
              run(drafts.length === 1 && drafts[0] === "" ? [query] : drafts.map((draft, at) => (at === drafts.length - 1 ? query : draft)));
            }}
          />
        ) : null}
        {isAsked ? (
          <Results answered={answered} explored={explored} span={span} step={step} busy={busy} metrics={metrics} onZoom={zoom} onAsk={(query, index) => run(drafts.map((draft, at) => (at === index ? query : draft)))} />
        ) : (
          <FirstQuery onChoose={(query) => run([query])} onBrowse={() => setBrowsing(true)} />
        )}
      </div>
    </Page>
  );
}

const steps = [{ value: "", label: "Step: by itself" }, ...["15s", "1m", "5m", "15m", "1h", "6h", "1d", "7d", "28d"].map((value) => ({ value, label: `Step: ${value}` }))];
const views: { value: View; label: string }[] = [{ value: "graph", label: "Graph" }, { value: "table", label: "Table" }];
const drawings: { value: Drawing; label: string }[] = [{ value: "lines", label: "Lines" }, { value: "bars", label: "Bars" }, { value: "stack", label: "Stacked" }];

function SourceSelect({ source, onChange }: { source: string; onChange: (source: string) => void }) {
  const sources = useQuery(sourcesQuery).data ?? [];
  const data = [
    { value: "", label: "Source: keirin" },
    ...sources.filter((one) => one.name !== "keirin").map((one) => ({ value: one.name, label: `Source: ${one.name}${one.state === "failed" ? " (does not answer)" : ""}` })),
  ];
  // One that the address names and the server does not know is still shown, so that its error makes sense.
  if (!data.some((one) => one.value === source)) data.push({ value: source, label: `Source: ${source}` });
  return <NativeSelect aria-label="Data source" data={data} value={source} onChange={(event) => onChange(event.currentTarget.value)} />;
}
