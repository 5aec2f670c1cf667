/** What the histories say, all repositories together: four figures of the last year. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Metric, metricsQuery } from "../../api/measure";
import { lookOf } from "../../dashboard/fields";
import type { Around } from "../../dashboard/usePanelData";
import { useFactsLink } from "../../facts/useFactsLink";
import type { AskedFigure } from "../../insights/figures";
import { InsightFigure } from "../../insights/InsightFigure";
import { serverNow } from "../../parts/clock";
import { Panel } from "../../parts/Panel";
import { resolveRange, type TimeRange } from "../../time/range";
import css from "./OverviewPage.module.css";

function asked(title: string, definition: string, query: string, unit: string): AskedFigure {
  const look = lookOf({ defaults: { unit }, overrides: [] }, { name: title, refId: "A", kind: "number" });
  return { key: title, title, definition, query, lineQuery: query.replaceAll("$__range]", "$__interval]"), source: "", look };
}

const figures = [
  asked("Commits", "Commits of the last year that are no merges, in all repositories.", "sum(sum_over_time(keirin_commits_total[$__range]))", "none"),
  asked("Pull requests", "Merged in the last year, as the histories tell of them.", "sum(sum_over_time(keirin_merges_total[$__range]))", "none"),
  asked("Time to merge", "Half of the pull requests merged in the last year took at most so long, from when their first commit was written.", "histogram_quantile(0.5, sum by (le) (sum_over_time(keirin_pull_request_merge_duration_seconds_bucket[$__range])))", "s"),
  asked("Active people", "With a commit in the last 90 days; bots do not count, and who writes two repositories counts in both.", "sum(last_over_time(keirin_active_contributors[2d]))", "none"),
];

const range: TimeRange = { from: "now-1y", to: "now" };
const noMetrics: Metric[] = [];

export function History() {
  const metrics = useQuery(metricsQuery).data;
  const factsLink = useFactsLink();
  const around = useMemo<Around>(() => ({ settled: [], range, span: resolveRange(range, serverNow()), sources: [], refresh: null }), []);
  if (metrics !== undefined && !metrics.some((metric) => metric.name === "keirin_commits_total")) return null;
  return (
    <Panel title="History, last year" aside={<Link to="/insights">Insights</Link>}>
      <div className={css.history}>
        {figures.map((figure) => (
          <InsightFigure key={figure.key} asked={figure} around={around} metrics={metrics ?? noMetrics} factsLink={factsLink} />
        ))}
      </div>
    </Panel>
  );
}
