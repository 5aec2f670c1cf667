/** When a project's timed triggers start flows, and what came of the last time. Nothing where there is none. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { schedulesQuery } from "../../api/queries";
import type { Schedule } from "../../api/types";
import { RelativeTime } from "../../parts/RelativeTime";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import css from "./ProjectPage.module.css";

export function Schedules({ project }: { project: string }) {
  const { data } = useQuery(schedulesQuery(project));
  if (data === undefined || data.length === 0) return null;
  return (
    <section>
      <h2 className={css.heading}>Schedules</h2>
      <DataTable label="Schedules" columns={columnsOf(project)} rows={data} idOf={(one) => `${one.branch} ${one.workflow} ${one.when}`} filter={data.length > 8} />
    </section>
  );
}

function columnsOf(project: string): Column<Schedule>[] {
  return [
    {
      id: "workflow",
      title: "Workflow",
      sortBy: (one) => one.workflow,
      cell: (one) => (
        <>
          <Link to="/projects/$project/branches/$branch/workflow" params={{ project, branch: one.branch }} className={css.name}>
            {one.workflow}
          </Link>
          <div className={css.when}>{one.when}</div>
          {one.last_error === null ? null : <div className={css.error}>The last time nothing started: {one.last_error}</div>}
        </>
      ),
    },
    {
      id: "next",
      title: "Next",
      width: "100px",
      align: "end",
      sortBy: (one) => (one.next_at === null ? null : Date.parse(one.next_at)),
      cell: (one) => <RelativeTime time={one.next_at} none="never" />,
    },
    {
      id: "last",
      title: "Last",
      width: "100px",
      align: "end",
      sortBy: (one) => (one.last_at === null ? null : Date.parse(one.last_at)),
      cell: (one) => <RelativeTime time={one.last_at} none="never" />,
    },
  ];
}
