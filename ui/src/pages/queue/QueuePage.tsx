/** Jobs that wait for an agent, each with the reason. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queueQuery } from "../../api/queries";
import type { QueueEntry } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { Duration } from "../../parts/Duration";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { Sentence } from "../../parts/Sentence";
import { SkeletonRows } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { counted } from "../../parts/words";
import css from "./QueuePage.module.css";

const columns: Column<QueueEntry>[] = [
  {
    id: "job",
    title: "Job",
    width: "34%",
    sortBy: (entry) => `${entry.job.project} ${entry.job.stage} ${entry.job.name}`,
    text: ({ job, reason }) => `${job.project} ${job.branch} ${job.stage} ${job.name} ${reason}`,
    cell: ({ job }) => (
      <div className={css.job}>
        <State state="waiting" />
        <div>
          <Link to="/jobs/$job" params={{ job: job.id }} className={css.name}>
            {job.name}
          </Link>
          <div className={css.dim}>
            {job.project}{" "}
            <Link to="/flows/$flow" params={{ flow: job.flow }}>
              {job.flow_number}
            </Link>{" "}
            / {job.stage}
          </div>
        </div>
      </div>
    ),
  },
  {
    id: "reason",
    title: "Why it waits",
    sortBy: (entry) => entry.reason,
    cell: (entry) => (
      <div className={css.reason}>
        <Sentence text={entry.reason} />
        {entry.fix === null ? null : (
          <div className={css.dim}>
            <Sentence text={entry.fix} />
          </div>
        )}
      </div>
    ),
  },
  {
    id: "place",
    title: "Place",
    width: "70px",
    align: "end",
    wideOnly: true,
    sortBy: (entry) => entry.place,
    cell: (entry) => entry.place ?? "–",
  },
  {
    id: "waits",
    title: "Waits",
    width: "100px",
    align: "end",
    sortBy: (entry) => (entry.job.queued_at === null ? null : -Date.parse(entry.job.queued_at)),
    cell: (entry) => <Duration from={entry.job.queued_at} to={null} />,
  },
];

export function QueuePage() {
  useCrumbs([{ label: "Queue" }]);
  const answer = useQuery(queueQuery);
  return (
    <Page>
      <PageHead title="Queue" facts={answer.data ? (answer.data.length === 0 ? "Every job that could run has an agent." : `${counted(answer.data.length, "job")} that could run ${answer.data.length === 1 ? "waits" : "wait"} for an agent.`) : " "} />
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows /></Panel>}>
        {(entries) => (
          <DataTable
            label="Waiting jobs"
            stacked
            columns={columns}
            rows={entries}
            idOf={(entry) => entry.job.id}
            empty={
              <Panel>
                <EmptyPage title="No job waits">A job stands here from the moment it could run until an agent takes it, with the reason why it waits.</EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
