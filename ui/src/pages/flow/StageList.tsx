/** The stages of a flow with their jobs, one under the other. */
import { Link } from "@tanstack/react-router";
import type { Flow } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { State } from "../../parts/State";
import { stateOf } from "../../parts/states";
import { StartRunButton } from "../run/StartRunButton";
import css from "./StageList.module.css";

interface StageListProps {
  flow: Flow;
  chosen: string | undefined;
  onChoose: (job: string) => void;
}

export function StageList({ flow, chosen, onChoose }: StageListProps) {
  return (
    <ol className={css.stages}>
      {flow.runs.map((run) => (
        <li key={run.id} className={css.stage}>
          <div className={css.head}>
            <State state={stateOf(run)} />
            <Link to="/runs/$run" params={{ run: run.id }}>
              {run.stage}
            </Link>
            <span className={css.time}>
              <Duration from={run.started_at} to={run.finished_at} none="" />
            </span>
            <StartRunButton run={run} />
          </div>
          <ul>
            {run.jobs.map((job) => (
              <li key={job.id}>
                <button type="button" className={css.job} aria-pressed={job.id === chosen} onClick={() => onChoose(job.id)}>
                  <State state={stateOf(job)} />
                  <span className={css.name}>{job.name}</span>
                  <span className={css.time}>
                    <Duration from={job.started_at} to={job.finished_at} none="" />
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}
