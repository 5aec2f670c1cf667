/** One dashboard, drawn or as the text of its file. */
import { Button, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { dashboardQuery, type StoredDashboard } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { DashboardView } from "../../dashboard/DashboardView";
import { readDashboard } from "../../dashboard/read";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonLines } from "../../parts/Skeleton";
import { counted } from "../../parts/words";
import { readDuration, writeDuration } from "../../time/step";
import { TimeRangePicker } from "../../time/TimeRangePicker";
import { useTimeRange } from "../../time/useTimeRange";
import { useChangeSearch } from "../../useSearchParameters";
import { DashboardActions } from "./DashboardActions";
import css from "./dashboards.module.css";

const JsonEditor = lazy(() => import("./JsonEditor").then((module) => ({ default: module.JsonEditor })));

export function DashboardPage() {
  const { uid } = useParams({ from: "/framed/dashboards/$uid" });
  const answer = useQuery(dashboardQuery(uid));
  useCrumbs([{ label: "Dashboards", to: "/dashboards" }, { label: answer.data?.title ?? uid }]);
  return (
    <Page width="whole">
      <Loaded page answer={answer} skeleton={<Panel><SkeletonLines lines={8} /></Panel>}>
        {(stored) => <Stored key={uid} stored={stored} />}
      </Loaded>
    </Page>
  );
}

const refreshes = ["5s", "10s", "30s", "1m", "5m", "15m"];

function Stored({ stored }: { stored: StoredDashboard }) {
  const dashboard = useMemo(() => readDashboard(stored.dashboard), [stored.dashboard]);
  const { range, setRange, zoom } = useTimeRange(dashboard.range);
  const search = useSearch({ from: "/framed/dashboards/$uid" });
  const changeSearch = useChangeSearch();
  const editing = search.edit === "json";
  const refresh = search.refresh === undefined ? dashboard.refresh : readDuration(search.refresh);
  const written = refresh === null || refresh === 0 ? "off" : writeDuration(refresh);
  /** What the dashboard says itself need not stand in the address. */
  function setRefresh(chosen: string): void {
    const seconds = chosen === "off" ? "0" : chosen;
    changeSearch({ refresh: readDuration(seconds) === (dashboard.refresh ?? 0) ? undefined : seconds }, { replace: true });
  }
  const notes = [...dashboard.notes, ...dashboard.rows.flatMap((row) => row.panels).filter((panel) => panel.kind === "unknown").map((panel) => `The panel “${panel.title || panel.id}” is of the type ${panel.type}, which is not drawn.`)];

  return (
    <>
      <PageHead
        title={dashboard.title}
        facts={
          <>
            {dashboard.description === "" ? null : <span>{dashboard.description}</span>}
            {stored.project === null ? null : <Tag>{stored.project}</Tag>}
            {stored.provided ? <Tag>comes with Keirin</Tag> : null}
            {dashboard.tags.map((tag) => (
              <Tag key={tag}>{tag}</Tag>
            ))}
          </>
        }
        actions={
          editing ? null : (
            <>
              <TimeRangePicker range={range} onChange={setRange} />
              <NativeSelect
                aria-label="Refresh"
                title="How often it is read anew; new facts show by themselves"
                data={[{ value: "off", label: "Refresh: by events" }, ...[...new Set([...refreshes, ...(written === "off" ? [] : [written])])].map((each) => ({ value: each, label: `Refresh: ${each}` }))]}
                value={written}
                onChange={(event) => setRefresh(event.currentTarget.value)}
              />
              <Button variant="default" px={8} aria-label="Read anew" title="Read anew" onClick={() => void queryClient.invalidateQueries({ queryKey: ["prometheus"] })}>
                <Icon name="again" />
              </Button>
              {search.panel === undefined ? null : (
                <Button variant="default" onClick={() => changeSearch({ panel: undefined })}>
                  Show all panels
                </Button>
              )}
              <DashboardActions stored={stored} onEdit={() => changeSearch({ edit: "json", panel: undefined })} />
            </>
          )
        }
      />
      {notes.length > 0 && !editing ? (
        <details className={css.notes}>
          <summary>{counted(notes.length, "thing")} of this dashboard {notes.length === 1 ? "is" : "are"} not drawn</summary>
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      ) : null}
      {editing ? (
        <Suspense fallback={<Panel><SkeletonLines lines={8} /></Panel>}>
          <JsonEditor stored={stored} onClose={() => changeSearch({ edit: undefined })} />
        </Suspense>
      ) : (
        <DashboardView dashboard={dashboard} range={range} onZoom={zoom} refresh={refresh === 0 ? null : refresh} />
      )}
    </>
  );
}
