/** The dashboards that there are: those that come with the program, and one's own. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type DashboardSummary, dashboardsQuery } from "../../api/measure";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import css from "./dashboards.module.css";
import { ImportButton } from "./ImportButton";
import { ofAllProjects } from "./owners";

const columns: Column<DashboardSummary>[] = [
  {
    id: "title",
    title: "Dashboard",
    sortBy: (one) => one.title,
    text: (one) => `${one.title} ${one.project ?? ofAllProjects} ${one.folder ?? ""} ${one.tags.join(" ")}`,
    cell: (one) => (
      <Link to="/dashboards/$uid" params={{ uid: one.uid }} className={css.name}>
        {one.title}
      </Link>
    ),
  },
  {
    id: "project",
    title: "Belongs to",
    width: "18%",
    wideOnly: true,
    sortBy: (one) => one.project,
    cell: (one) => (one.project === null ? <span className={css.dim}>{ofAllProjects}</span> : <Link to="/projects/$project" params={{ project: one.project }}>{one.project}</Link>),
  },
  { id: "folder", title: "Folder", width: "18%", wideOnly: true, sortBy: (one) => one.folder, cell: (one) => one.folder ?? "–" },
  {
    id: "tags",
    title: "Tags",
    width: "24%",
    wideOnly: true,
    cell: (one) => (
      <div className={css.tags}>
        {one.tags.map((tag) => (
          <Tag key={tag}>{tag}</Tag>
        ))}
      </div>
    ),
  },
  {
    id: "changed",
    title: "Changed",
    width: "160px",
    align: "end",
    sortBy: (one) => (one.changed_at === null ? null : -Date.parse(one.changed_at)),
    cell: (one) => (one.provided ? "comes with Keirin" : <RelativeTime time={one.changed_at} />),
  },
];

export function DashboardsPage() {
  useCrumbs([{ label: "Dashboards" }]);
  return (
    <Page>
      <PageHead title="Dashboards" facts="The same files that Grafana reads, drawn here." actions={<ImportButton />} />
      <Loaded answer={useQuery(dashboardsQuery)} skeleton={<Panel flush><SkeletonRows rows={6} /></Panel>}>
        {(dashboards) => (
          <DataTable
            label="Dashboards"
            columns={columns}
            rows={dashboards}
            idOf={(one) => one.uid}
            empty={
              <Panel>
                <EmptyPage title="No dashboard yet" action={<ImportButton />}>
                  Import the JSON of any Grafana dashboard whose data source is Prometheus.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
