/** What can be done about a background job. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { cancelBackgroundJob, runBackgroundJob } from "../../api/actions";
import { backgroundKey, queryClient } from "../../api/queries";
import type { BackgroundJob, BackgroundKind } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { notify, say } from "../../parts/notices";
import { inWords } from "../../parts/words";
import css from "./BackgroundPage.module.css";

interface JobActionsProps {
  job: BackgroundJob;
  /** Its kind; undefined where this server knows none of that name. */
  kind: BackgroundKind | undefined;
}

export function JobActions({ job, kind }: JobActionsProps) {
  // Also after a failure: most often the job is over by then.
  const onSettled = () => queryClient.invalidateQueries({ queryKey: backgroundKey });
  const run = useMutation({
    mutationFn: () => runBackgroundJob(job.id),
    onSuccess: () => say("The job begins as soon as there is room for it."),
    onError: notify,
    onSettled,
  });
  const cancel = useMutation({
    mutationFn: () => cancelBackgroundJob(job.id),
    onSuccess: () => say("The job is cancelled."),
    onError: notify,
    onSettled,
  });
  const askToCancel = () =>
    confirmFirst({
      title: "Cancel this job?",
      text: textOf(job, kind),
      action: "Cancel job",
      onConfirm: () => cancel.mutate(),
    });
  return (
    <div className={css.actions}>
      {job.state === "running" ? null : (
        <Button size="compact-sm" variant="default" loading={run.isPending} onClick={() => run.mutate()}>
          {job.state === "dead" ? "Retry" : "Run now"}
        </Button>
      )}
      <Button size="compact-sm" variant="default" loading={cancel.isPending} onClick={askToCancel}>
        Cancel job
      </Button>
    </div>
  );
}

function textOf(job: BackgroundJob, kind: BackgroundKind | undefined): string {
  const name = `“${job.title ?? job.kind}”${job.project === null ? "" : ` for ${job.project}`}`;
  const isRunning = job.state === "running";
  const every = kind?.every_seconds ?? null;
  if (job.recurs) return `${name} is ${isRunning ? "ended where it is" : "left out this once"}. It is due again ${every === null ? "at its next time" : `in ${inWords(every)}`}.`;
  return `${name} is ${isRunning ? "ended where it is, and forgotten" : "forgotten, and does not run"}. It stays undone until the server has reason to do it again.`;
}
