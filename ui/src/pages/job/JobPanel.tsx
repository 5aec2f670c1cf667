/** A job in short: where it stands and why, its steps, and the end of its log. */
import { LinkButton } from "../../parts/LinkButton";
import { Link } from "@tanstack/react-router";
import type { Job } from "../../api/types";
import { AgentChip } from "../../parts/chips";
import { Duration } from "../../parts/Duration";
import { Icon } from "../../parts/Icon";
import { State } from "../../parts/State";
import { stateOf } from "../../parts/states";
import { StepList } from "./StepList";
import { WaitingReason } from "./WaitingReason";
import css from "./JobPanel.module.css";
import { LogEnd } from "./LogEnd";

export function JobPanel({ job }: { job: Job }) {
  const attempt = job.attempts.at(-1);
  return (
    <section className={css.panel} aria-label={`Job ${job.name}`}>
      <header className={css.head}>
        <State state={stateOf(job)} size={18} />
        <h2>
          <Link to="/jobs/$job" params={{ job: job.id }}>
            {job.name}
          </Link>
        </h2>
        <LinkButton size="compact-sm" variant="default" to="/jobs/$job" params={{ job: job.id }} leftSection={<Icon name="logs" size={14} />}>
          Open log
        </LinkButton>
      </header>
      <div className={css.facts}>
        <State state={stateOf(job)} word size={14} />
        {job.started_at === null ? null : (
          <span>
            <Icon name="clock" size={14} />
            <Duration from={job.started_at} to={job.finished_at} />
          </span>
        )}
        {attempt ? <AgentChip agent={attempt.agent} /> : null}
        {job.attempts.length > 1 ? <span>attempt {job.attempts.length}</span> : null}
      </div>
      {job.state === "waiting" ? (
        <div className={css.waiting}>
          <WaitingReason job={job} />
        </div>
      ) : null}
      {attempt?.message == null ? null : <p className={css.message}>{attempt.message}</p>}
      <StepList job={job} />
      {job.log === null ? null : <LogEnd job={job} log={job.log} />}
    </section>
  );
}
