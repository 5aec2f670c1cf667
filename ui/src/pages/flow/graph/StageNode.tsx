/** A stage on the map. */
import { Link } from "@tanstack/react-router";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import type { Run } from "../../../api/types";
import { Duration } from "../../../parts/Duration";
import { State } from "../../../parts/State";
import { stateOf } from "../../../parts/states";
import { StartRunButton } from "../../run/StartRunButton";
import type { Direction } from "./layout";
import css from "./FlowGraph.module.css";

export type StageNodeType = Node<{ run: Run; direction: Direction }, "stage">;

export function StageNode({ data: { run, direction } }: NodeProps<StageNodeType>) {
  return (
    <div className={css.stage}>
      <Handle type="target" position={direction === "LR" ? Position.Left : Position.Top} className={css.handle ?? ""} isConnectable={false} />
      <div className={css.stageHead}>
        <State state={stateOf(run)} />
        <Link to="/runs/$run" params={{ run: run.id }} className="nodrag" title={run.stage}>
          {run.stage}
        </Link>
        <span className={css.time}>
          {run.state === "manual" ? <StartRunButton run={run} /> : <Duration from={run.started_at} to={run.finished_at} none="" />}
        </span>
      </div>
      <Handle type="source" position={direction === "LR" ? Position.Right : Position.Bottom} className={css.handle ?? ""} isConnectable={false} />
    </div>
  );
}
