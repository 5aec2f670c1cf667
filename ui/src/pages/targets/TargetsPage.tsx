/** What is scraped: each target with whether it answers, how long that took and what came. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ScrapeTarget, targetsQuery } from "../../api/measure";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { SkeletonRows } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { figure, inWords, preciselyInWords } from "../../parts/words";
import css from "./TargetsPage.module.css";

const states = { up: ["success", "Up"], down: ["failed", "Down"], unknown: ["waiting", "Not scraped yet"] } as const;

const columns: Column<ScrapeTarget>[] = [
  {
    id: "name",
    title: "Target",
    sortBy: (target) => target.name,
    text: (target) => `${target.name} ${target.url} ${target.state} ${Object.values(target.labels).join(" ")}`,
    cell: (target) => (
      <div className={css.target}>
        <State state={states[target.state][0]} label={states[target.state][1]} />
        <div>
          <Link to="/explore" search={{ q: `up{${Object.entries(target.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}` }} className={css.name}>
            {target.name}
          </Link>
          <div className={css.url}>{target.url}</div>
          {target.error === null ? null : (
            <div className={css.error}>
              <Sentence text={target.error} />
            </div>
          )}
        </div>
      </div>
    ),
  },
  {
    id: "labels",
    title: "Labels",
    width: "24%",
    wideOnly: true,
    cell: (target) => (
      <div className={css.labels}>
        {Object.entries(target.labels).map(([name, value]) => (
          <Tag key={name}>{`${name}=${value}`}</Tag>
        ))}
      </div>
    ),
  },
  { id: "interval", title: "Every", width: "80px", align: "end", wideOnly: true, sortBy: (target) => target.interval_seconds, cell: (target) => inWords(target.interval_seconds) },
  { id: "duration", title: "Took", width: "80px", align: "end", wideOnly: true, sortBy: (target) => target.duration_seconds, cell: (target) => (target.duration_seconds === null ? "–" : preciselyInWords(target.duration_seconds)) },
  { id: "samples", title: "Samples", width: "90px", align: "end", sortBy: (target) => target.samples, cell: (target) => (target.samples === null ? "–" : figure(target.samples)) },
  { id: "last", title: "Scraped", width: "110px", align: "end", sortBy: (target) => (target.last_scrape_at === null ? null : -Date.parse(target.last_scrape_at)), cell: (target) => <RelativeTime time={target.last_scrape_at} none="never" /> },
];

export function TargetsPage() {
  useCrumbs([{ label: "Targets" }]);
  const answer = useQuery({ ...targetsQuery, refetchInterval: 15_000 });
  const down = answer.data?.filter((target) => target.state === "down").length ?? 0;
  return (
    <Page>
      <PageHead title="Targets" facts={answer.data ? (answer.data.length === 0 ? "Nothing is scraped." : down === 0 ? "All that was scraped answered." : `${down} of ${answer.data.length} did not answer.`) : " "} />
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(targets) => (
          <DataTable
            label="Targets"
            stacked
            columns={columns}
            rows={targets}
            idOf={(target) => `${target.name} ${target.url}`}
            empty={
              <Panel>
                <EmptyPage title="No target yet">
                  A target is a server that writes its figures in Prometheus' text format, as most exporters do. Name it under <code>[[targets]]</code> in{" "}
                  <code>keirin.toml</code>, with its address and how often it is scraped.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
