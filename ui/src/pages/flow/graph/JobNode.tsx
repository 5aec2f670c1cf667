/** A job on the map. */
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import type { Job } from "../../../api/types";
import { Duration } from "../../../parts/Duration";
import { State } from "../../../parts/State";
import { stateColour, stateOf } from "../../../parts/states";
import type { Direction } from "./layout";
import css from "./FlowGraph.module.css";

export type JobNodeType = Node<{ job: Job; chosen: boolean; onChoose: (job: string) => void; direction: Direction }, "job">;

export function JobNode({ data: { job, chosen, onChoose, direction } }: NodeProps<JobNodeType>) {
  const state = stateOf(job);
  return (
    <>
      <Handle type="target" position={direction === "LR" ? Position.Left : Position.Top} className={css.handle ?? ""} isConnectable={false} />
      <button
        type="button"
        className={`${css.job} nodrag`}
        style={{ "--state": stateColour(state) } as React.CSSProperties}
        aria-pressed={chosen}
        title={job.waiting_reason ?? job.name}
        onClick={() => onChoose(job.id)}
      >
        <State state={state} />
        <span className={css.name}>{job.name}</span>
        <span className={css.time}>
          <Duration from={job.started_at} to={job.finished_at} none="" />
        </span>
      </button>
      <Handle type="source" position={direction === "LR" ? Position.Right : Position.Bottom} className={css.handle ?? ""} isConnectable={false} />
    </>
  );
}
