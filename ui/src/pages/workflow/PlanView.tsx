/** What a workflow would run: its stages with their jobs. */
import type { Plan } from "../../api/types";
import { Tag } from "../../parts/chips";
import { State } from "../../parts/State";
import { counted } from "../../parts/words";
import css from "./PlanView.module.css";

export function PlanView({ plan }: { plan: Plan }) {
  return (
    <ol className={css.stages}>
      {plan.stages.map((stage) => {
        const manual = stage.start !== "automatic" && stage.start !== undefined;
        const needs = stage.needs ?? [];
        return (
          <li key={stage.name}>
            <div className={css.stage}>
              <State state={manual ? "manual" : "waiting"} label={manual ? "Starts by hand" : "Starts by itself"} />
              <h3>{stage.name}</h3>
              {stage.environment ? <Tag>{stage.environment}</Tag> : null}
              {stage.exclusive ? <Tag>exclusive</Tag> : null}
              {needs.length > 0 ? <span className={css.dim}>after {needs.join(", ")}</span> : null}
            </div>
            <ul className={css.jobs}>
              {stage.jobs.map((job) => (
                <li key={job.name}>
                  <span className={css.job}>{job.name}</span>
                  <span className={css.dim}>
                    {counted(job.steps.length, "step")}
                    {(job.needs ?? []).length > 0 ? `, after ${(job.needs ?? []).join(", ")}` : ""}
                    {`, ${[job.requirements.executor, job.requirements.system].filter(Boolean).join(" ")}`}
                  </span>
                </li>
              ))}
            </ul>
          </li>
        );
      })}
    </ol>
  );
}
