/** A job and its log, which has the whole height of the window. */
import { Button, NativeSelect } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { cancelJob } from "../../api/actions";
import { useMay } from "../../api/me";
import { jobQuery, queryClient } from "../../api/queries";
import type { Attempt, Job } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { LogView } from "../../log/LogView";
import { AgentChip } from "../../parts/chips";
import { confirmFirst } from "../../parts/confirm";
import { Duration } from "../../parts/Duration";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { notify, say } from "../../parts/notices";
import { PageHead } from "../../parts/PageHead";
import { SkeletonLines } from "../../parts/Skeleton";
import { RelativeTime } from "../../parts/RelativeTime";
import { isOver, stateOf, stateWords } from "../../parts/states";
import { type Tab, Tabs } from "../../parts/Tabs";
import { Artifacts } from "../results/Artifacts";
import { Tests } from "../results/Tests";
import { testsIn } from "../results/testsIn";
import { removedAt } from "../retention/keep";
import { Removed } from "../retention/Removed";
import css from "./JobPage.module.css";
import { jobSiblings } from "./JobSiblings";
import { WaitingReason } from "./WaitingReason";

export function JobPage() {
  const { job: id } = useParams({ from: "/framed/jobs/$job" });
  const answer = useQuery(jobQuery(id));
  const job = answer.data;
  useCrumbs(
    job
      ? projectCrumbs(
          { project: job.project, branch: job.branch, flow: { id: job.flow, number: job.flow_number } },
          { label: job.stage, to: `/runs/${job.run}` },
          { label: job.name, siblings: jobSiblings(job.run) },
        )
      : [{ label: "Job" }],
  );
  return (
    <div className={css.page}>
      <Loaded page answer={answer} skeleton={<SkeletonLines lines={8} />}>
        {(data) => <JobViews key={data.id} job={data} />}
      </Loaded>
    </div>
  );
}

function JobViews({ job }: { job: Job }) {
  const { tab = "log", attempt } = useSearch({ from: "/framed/jobs/$job" });
  const tests = testsIn([job.tests]);
  const tabs: Tab[] = [
    { id: "log", label: "Log" },
    ...(tests === undefined && tab !== "tests" ? [] : [{ id: "tests" as const, label: "Tests", count: tests }]),
    ...(job.artifacts === 0 && tab !== "artifacts" ? [] : [{ id: "artifacts" as const, label: "Artifacts", count: job.artifacts }]),
  ];
  return (
    <>
      <JobHead job={job} attempt={attempt} />
      {tabs.length > 1 ? <Tabs label="Views of this job" tabs={tabs} chosen={tab} /> : null}
      {tab === "log" ? <JobLog job={job} attempt={attempt} /> : null}
      {tab === "tests" ? <Tests of={{ kind: "job", id: job.id }} retention={job.retention} finishedAt={job.finished_at} /> : null}
      {tab === "artifacts" ? <Artifacts of={{ kind: "job", id: job.id }} retention={job.retention} finishedAt={job.finished_at} /> : null}
    </>
  );
}

function JobLog({ job, attempt }: { job: Job; attempt: number | undefined }) {
  const shown = job.attempts.find((one) => one.number === attempt) ?? job.attempts.at(-1);
  return (
    <>
      {job.state === "waiting" ? (
        <div className={css.waiting}>
          <WaitingReason job={job} />
        </div>
      ) : null}
      {shown?.message == null ? null : <p className={css.message}>{shown.message}</p>}
      {job.log === null ? (
        <div className={css.none}>
          <NoLog job={job} />
        </div>
      ) : (
        <LogView key={attempt ?? job.log.attempt} job={job} attempt={attempt} />
      )}
    </>
  );
}

function NoLog({ job }: { job: Job }) {
  const removed = removedAt(job.retention, "logs", job.attempts.at(-1)?.finished_at);
  if (removed !== null) return <Removed what="log" at={removed} />;
  return (
    <EmptyPage title="No log yet">
      {isOver(job) ? "This job ended before an agent had started it." : "Its lines show here as they are written, once an agent has started it."}
    </EmptyPage>
  );
}

function JobHead({ job, attempt }: { job: Job; attempt: number | undefined }) {
  const state = stateOf(job);
  const newest = job.attempts.at(-1);
  const mayCancel = useMay("developer", job.project);
  const cancel = useMutation({
    mutationFn: () => cancelJob(job.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries(jobQuery(job.id));
      say("The job is being cancelled.");
    },
    onError: notify,
  });
  const askToCancel = () =>
    confirmFirst({
      title: `Cancel ${job.name}?`,
      text: "If it runs it is stopped, else it does not start. It can be rerun with its flow.",
      action: "Cancel job",
      onConfirm: () => cancel.mutate(),
    });
  return (
    <PageHead
      state={state}
      title={job.name}
      facts={
        <>
          <span>{job.stopping && !isOver(job) ? "Stopping" : stateWords[state]}</span>
          <span className={css.duration}>
            <Icon name="clock" size={14} />
            <Duration from={job.started_at} to={job.finished_at} none="not started" />
          </span>
          {job.started_at === null ? null : <RelativeTime time={job.started_at} />}
          {newest ? <AgentChip agent={newest.agent} /> : null}
          <span>{[job.requirements.executor, job.requirements.system].filter(Boolean).join(" ")}</span>
        </>
      }
      actions={
        <>
          {job.attempts.length > 1 ? <AttemptChoice attempts={job.attempts} attempt={attempt} /> : null}
          {mayCancel && !isOver(job) ? (
            <Button variant="default" leftSection={<Icon name="stop" />} loading={cancel.isPending} disabled={job.stopping} onClick={askToCancel}>
              Cancel job
            </Button>
          ) : null}
        </>
      }
    />
  );
}

function AttemptChoice({ attempts, attempt }: { attempts: readonly Attempt[]; attempt: number | undefined }) {
  const navigate = useNavigate();
  const newest = attempts.at(-1)?.number;
  return (
    <NativeSelect
      aria-label="Attempt"
      data={attempts.toReversed().map((one) => ({
        value: String(one.number),
        label: `Attempt ${one.number}: ${stateWords[stateOf(one)].toLowerCase()}`,
      }))}
      value={String(attempt ?? newest)}
      onChange={(event) => {
        const chosen = Number(event.currentTarget.value);
        void navigate({
          to: ".",
          search: (previous) => ({ ...previous, attempt: chosen === newest ? undefined : chosen }),
          hash: "",
        });
      }}
    />
  );
}
