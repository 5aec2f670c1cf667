/** Background jobs, each with when it runs next and why it failed where it did. */
import { Link } from "@tanstack/react-router";
import type { BackgroundJob, BackgroundJobState, BackgroundKind } from "../../api/types";
import { useNow } from "../../parts/clock";
import { Duration } from "../../parts/Duration";
import { EmptyPage } from "../../parts/EmptyPage";
import { LinkButton } from "../../parts/LinkButton";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { State } from "../../parts/State";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { figure, preciselyInWords } from "../../parts/words";
import css from "./BackgroundPage.module.css";
import { JobActions } from "./JobActions";
import { jobShapes, lastRunSeconds, timesOf } from "./states";

interface JobTableProps {
  jobs: readonly BackgroundJob[];
  kinds: readonly BackgroundKind[];
  /** What they were filtered by. */
  kind: string | undefined;
  state: BackgroundJobState | undefined;
}

export function JobTable({ jobs, kinds, kind, state }: JobTableProps) {
  return (
    <DataTable
      label="Background jobs"
      stacked
      columns={columnsOf(kinds)}
      rows={jobs}
      idOf={(job) => job.id}
      filter={false}
      empty={
        <Panel>
          <NoJobs kind={kind} state={state} />
        </Panel>
      }
    />
  );
}

function columnsOf(kinds: readonly BackgroundKind[]): Column<BackgroundJob>[] {
  const kindOf = (job: BackgroundJob) => kinds.find((kind) => kind.name === job.kind);
  return [
    {
      id: "job",
      title: "Job",
      cell: (job) => (
        <div className={css.job}>
          <div className={css.name}>{job.title ?? job.kind}</div>
          <Purpose job={job} kind={kindOf(job)} />
          {job.progress === null ? null : <div className={css.dim}>{job.progress}</div>}
          {job.error === null ? null : (
            <div className={css.error}>
              {job.state === "running" ? "Last time: " : null}
              <Sentence text={job.error} />
            </div>
          )}
        </div>
      ),
    },
    { id: "state", title: "State", width: "110px", cell: (job) => <JobState state={job.state} /> },
    { id: "next", title: "Next run", width: "170px", cell: (job) => <NextRun job={job} /> },
    { id: "tries", title: "Tries", width: "70px", align: "end", cell: (job) => <Named name="tries">{job.attempts === 0 ? null : figure(job.attempts)}</Named> },
    { id: "took", title: "Last run took", width: "120px", align: "end", cell: (job) => <Took seconds={lastRunSeconds(job)} /> },
    { id: "actions", title: "", width: "200px", align: "end", cell: (job) => <JobActions job={job} kind={kindOf(job)} /> },
  ];
}

function JobState({ state }: { state: BackgroundJobState }) {
  return (
    <div className={css.state}>
      <State word state={jobShapes[state].state} label={jobShapes[state].word} />
    </div>
  );
}

/** What it is for, and how often it is due. */
function Purpose({ job, kind }: { job: BackgroundJob; kind: BackgroundKind | undefined }) {
  if (job.project !== null) {
    return (
      <div>
        <Link to="/projects/$project" params={{ project: job.project }}>
          {job.project}
        </Link>
      </div>
    );
  }
  const words = [job.key, kind === undefined ? "" : timesOf(kind), job.title === null ? "this server does no such job" : ""];
  return <div className={css.dim}>{words.filter((word) => word !== "").join(", ")}</div>;
}

/** How long it may be due before that is said in words. */
const lateMilliseconds = 5000;

function NextRun({ job }: { job: BackgroundJob }) {
  const now = useNow(job.state === "waiting");
  if (job.state === "dead") return <>not by itself</>;
  if (job.state === "running") {
    return (
      <>
        now, for <Duration from={job.started_at} to={null} none="a moment" />
      </>
    );
  }
  return now - Date.parse(job.run_at) < lateMilliseconds ? <RelativeTime time={job.run_at} /> : <>as soon as there is room</>;
}

function Took({ seconds }: { seconds: number | null }) {
  return <Named name="last run took">{seconds === null ? null : preciselyInWords(seconds)}</Named>;
}

/** A figure that says what it is where its column has no head. */
function Named({ name, children }: { name: string; children: string | null }) {
  if (children === null) return <span className={css.wideOnly}>–</span>;
  return (
    <>
      <span className={css.narrowOnly}>{name} </span>
      {children}
    </>
  );
}

const noneOf: Record<BackgroundJobState, { verb: string; text: string }> = {
  dead: { verb: "is dead", text: "A job is dead when it has failed too often to be tried again by itself. It stands here until somebody retries or cancels it." },
  waiting: { verb: "waits", text: "A job waits until it is due and there is room for it among those of its kind." },
  running: { verb: "runs", text: "Most jobs are over within a moment." },
};

function NoJobs({ kind, state }: { kind: string | undefined; state: BackgroundJobState | undefined }) {
  if (kind === undefined && state === undefined) {
    return <EmptyPage title="No background job">A job stands here from the moment the server has something to do by itself until that is done. One that is due again and again stays.</EmptyPage>;
  }
  const subject = kind === undefined ? "No job" : "No job of this kind";
  const { verb, text } = state === undefined ? { verb: "", text: "A job stands here from the moment it is asked for until it is done." } : noneOf[state];
  return (
    <EmptyPage
      title={`${subject} ${verb}`.trim()}
      action={
        <LinkButton to="/settings/background-jobs" variant="default">
          Show all jobs
        </LinkButton>
      }
    >
      {text}
    </EmptyPage>
  );
}
