/** The metrics that there are, each with its definition; choosing one asks for it in the way that fits its kind. */
import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Metric, metricsQuery } from "../../api/measure";
import { labelValuesQuery } from "../../api/prometheus";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { useRowKeys } from "../../parts/table/useRowKeys";
import { counted } from "../../parts/words";
import { isPartOf } from "../../promql/proposals";
import css from "./ExplorePage.module.css";
import { queryFor } from "./queryFor";

export function MetricBrowser({ source, onChoose }: { source: string; onChoose: (query: string) => void }) {
  const ours = source === "" || source === "keirin";
  const described = useQuery({ ...metricsQuery, enabled: ours });
  const names = useQuery(labelValuesQuery(source, "__name__"));
  const [filter, setFilter] = useState("");
  useRowKeys();
  return (
    <Panel
      title="Metrics"
      flush
      aside={
        <TextInput aria-label="Filter metrics" placeholder="Filter metrics" leftSection={<Icon name="search" />} value={filter} data-autofocus data-filter="" onChange={(event) => setFilter(event.currentTarget.value)} />
      }
    >
      <Loaded<unknown> answer={ours ? described : names} skeleton={<SkeletonRows rows={6} />}>
        {() => {
          const all = withOthers(described.data ?? [], names.data ?? []);
          const words = filter.toLowerCase().split(/\s+/);
          const shown = all.filter((one) => words.every((word) => `${one.name} ${one.help}`.toLowerCase().includes(word)));
          if (all.length === 0) return <EmptyPage title="No series yet">Import a repository with <code>keirin import git PATH --repository NAME</code>, or start a flow: the series follow by themselves.</EmptyPage>;
          return (
            <ul className={css.metrics} aria-label={counted(shown.length, "metric")}>
              {shown.map((metric) => (
                <li key={metric.name}>
                  <button type="button" data-row="" onClick={() => onChoose(queryFor(metric))}>
                    <span className={css.metricName}>
                      <code>{metric.name}</code>
                      <Tag>{metric.kind}</Tag>
                      {metric.unit !== "" && metric.unit !== "1" ? <Tag>{metric.unit}</Tag> : null}
                      {metric.bucket_seconds === null ? null : <Tag>{metric.bucket_seconds >= 86_400 ? "by day" : "by hour"}</Tag>}
                    </span>
                    <span className={css.help}>{metric.help}</span>
                    {metric.labels.length > 0 ? <span className={css.labels}>{metric.labels.join(", ")}</span> : null}
                  </button>
                </li>
              ))}
              {shown.length === 0 ? <li className={css.none}>No metric matches “{filter}”.</li> : null}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}

/** Names that nobody describes, as those of scraped targets, stand behind the others. */
function withOthers(described: readonly Metric[], names: readonly string[]): Metric[] {
  const known = new Set(described.map((one) => one.name));
  const others = names.filter((name) => !known.has(name) && !described.some((one) => isPartOf(name, one.name)));
  return [...described, ...others.map((name) => ({ name, kind: "unknown" as const, unit: "", help: "", bucket_seconds: null, looks_back_seconds: null, labels: [], better: null, example: name, facts: null }))];
}
