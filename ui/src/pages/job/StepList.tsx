/** The steps of a job's newest attempt; each leads to its first line. */
import { Link } from "@tanstack/react-router";
import type { Job } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { State } from "../../parts/State";
import { stateOf } from "../../parts/states";
import css from "./StepList.module.css";

export function StepList({ job }: { job: Job }) {
  return (
    <ol className={css.steps} aria-label="Steps">
      {job.steps.map((step) => {
        const line = job.log?.steps.find((mark) => mark.index === step.index)?.first_line;
        return (
          <li key={step.index}>
            <State state={stateOf(step)} size={14} />
            <span className={css.name} title={step.name}>
              {line === undefined ? (
                step.name
              ) : (
                <Link to="/jobs/$job" params={{ job: job.id }} hash={`L${line}`}>
                  {step.name}
                </Link>
              )}
            </span>
            {step.message == null ? null : <span className={css.message}>{step.message}</span>}
            <span className={css.time}>
              {step.exit_code != null && step.exit_code !== 0 ? `exit code ${step.exit_code}, ` : ""}
              <Duration from={step.started_at} to={step.finished_at} none="" />
            </span>
          </li>
        );
      })}
    </ol>
  );
}
