/** A run: one stage in one flow, with its jobs and what they left. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { cancelRun } from "../../api/actions";
import { useMay } from "../../api/me";
import { artifactsQuery, queryClient, runQuery } from "../../api/queries";
import type { Job, Run } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { AgentChip, Tag } from "../../parts/chips";
import { confirmFirst } from "../../parts/confirm";
import { Duration } from "../../parts/Duration";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { notify, say } from "../../parts/notices";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { SkeletonRows } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import { stateOf, stateWords } from "../../parts/states";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { Tabs } from "../../parts/Tabs";
import { counted } from "../../parts/words";
import { Artifacts } from "../results/Artifacts";
import { Tests } from "../results/Tests";
import { testsIn } from "../results/testsIn";
import css from "./RunPage.module.css";
import { StartRunButton } from "./StartRunButton";

export function RunPage() {
  const { run: id } = useParams({ from: "/framed/runs/$run" });
  const answer = useQuery(runQuery(id));
  const run = answer.data;
  useCrumbs(
    run
      ? projectCrumbs({ project: run.project, branch: run.branch, flow: { id: run.flow, number: run.flow_number } }, { label: run.stage })
      : [{ label: "Stage run" }],
  );
  return (
    <Page>
      <Loaded page answer={answer} skeleton={<Panel flush><SkeletonRows /></Panel>}>
        {(data) => <RunViews run={data} />}
      </Loaded>
    </Page>
  );
}

function RunViews({ run }: { run: Run }) {
  const { tab = "jobs" } = useSearch({ from: "/framed/runs/$run" });
  const artifacts = useQuery(artifactsQuery({ kind: "run", id: run.id }));
  return (
    <>
      <RunHead run={run} />
      <Tabs
        label="Views of this stage run"
        chosen={tab}
        tabs={[
          { id: "jobs", label: "Jobs", count: run.jobs.length },
          { id: "tests", label: "Tests", count: testsIn([run.tests]) },
          { id: "artifacts", label: "Artifacts", count: artifacts.data?.length },
        ]}
      />
      {tab === "jobs" ? (
        <DataTable
          label="Jobs"
          columns={columns}
          rows={run.jobs}
          idOf={(job) => job.id}
          filter={run.jobs.length > 8}
          empty={
            <Panel>
              <EmptyPage title="This stage has no jobs" />
            </Panel>
          }
        />
      ) : null}
      {tab === "tests" ? <Tests of={{ kind: "run", id: run.id }} retention={run.retention} finishedAt={run.finished_at} /> : null}
      {tab === "artifacts" ? <Artifacts of={{ kind: "run", id: run.id }} retention={run.retention} finishedAt={run.finished_at} /> : null}
    </>
  );
}

function RunHead({ run }: { run: Run }) {
  const state = stateOf(run);
  const mayCancel = useMay("developer", run.project);
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries(runQuery(run.id));
      say("The stage run is being cancelled.");
    },
    onError: notify,
  });
  const askToCancel = () =>
    confirmFirst({
      title: `Cancel the stage run of ${run.stage}?`,
      text: "Its jobs that run are stopped, and those that wait do not start. They can be rerun with their flow.",
      action: "Cancel stage run",
      onConfirm: () => cancel.mutate(),
    });
  return (
    <PageHead
      state={state}
      title={run.stage}
      facts={
        <>
          <span>{stateWords[state]}</span>
          <Link to="/flows/$flow" params={{ flow: run.flow }}>
            flow {run.flow_number}
          </Link>
          <span>{counted(run.jobs.length, "job")}</span>
          <Duration from={run.started_at} to={run.finished_at} none="not started" />
          {run.started_at === null ? null : <RelativeTime time={run.started_at} />}
          {run.needs.length > 0 ? <span>after {run.needs.join(", ")}</span> : null}
          <Link to="/logs" search={{ in: "run", id: run.id }}>
            Search logs
          </Link>
          {run.environment == null ? null : <Tag>{run.environment}</Tag>}
          {run.exclusive ? <Tag>exclusive</Tag> : null}
        </>
      }
      actions={
        <>
          <StartRunButton run={run} />
          {mayCancel && (run.state === "running" || run.state === "waiting") ? (
            <Button variant="default" leftSection={<Icon name="stop" />} loading={cancel.isPending} onClick={askToCancel}>
              Cancel stage run
            </Button>
          ) : null}
        </>
      }
    />
  );
}

const columns: Column<Job>[] = [
  {
    id: "name",
    title: "Job",
    sortBy: (job) => job.name,
    text: (job) => `${job.name} ${stateWords[stateOf(job)]}`,
    cell: (job) => (
      <div className={css.job}>
        <State state={stateOf(job)} />
        <div>
          <Link to="/jobs/$job" params={{ job: job.id }} className={css.name}>
            {job.name}
          </Link>
          {job.waiting_reason === null ? null : (
            <div className={css.dim}>
              <Sentence text={job.waiting_reason} />
            </div>
          )}
          {job.attempts.length > 1 ? <div className={css.dim}>attempt {job.attempts.length}</div> : null}
        </div>
      </div>
    ),
  },
  {
    id: "steps",
    title: "Steps",
    wideOnly: true,
    cell: (job) => (
      <span className={css.steps}>
        {job.steps.map((step) => (
          <span key={step.index} title={step.name}>
            <State state={stateOf(step)} size={14} label={`${step.name}: ${stateWords[stateOf(step)]}`} />
          </span>
        ))}
      </span>
    ),
  },
  {
    id: "tests",
    title: "Tests",
    wideOnly: true,
    width: "150px",
    sortBy: (job) => testsIn([job.tests]) ?? null,
    cell: (job) => {
      if (job.tests === null) return <span className={css.dim}>none</span>;
      const bad = job.tests.failed + job.tests.errors;
      const all = testsIn([job.tests]) ?? 0;
      return bad > 0 ? <span className={css.bad}>{bad} of {all} failed</span> : counted(all, "test");
    },
  },
  {
    id: "agent",
    title: "Agent",
    wideOnly: true,
    width: "160px",
    sortBy: (job) => job.attempts.at(-1)?.agent ?? null,
    cell: (job) => {
      const agent = job.attempts.at(-1)?.agent;
      return agent === undefined ? "–" : <AgentChip agent={agent} />;
    },
  },
  {
    id: "queued",
    title: "Waited",
    width: "90px",
    align: "end",
    cell: (job) => <Duration from={job.queued_at} to={job.started_at ?? job.finished_at} />,
  },
  {
    id: "duration",
    title: "Duration",
    width: "100px",
    align: "end",
    sortBy: (job) => (job.started_at === null ? null : Date.parse(job.finished_at ?? new Date().toISOString()) - Date.parse(job.started_at)),
    cell: (job) => <Duration from={job.started_at} to={job.finished_at} />,
  },
];
