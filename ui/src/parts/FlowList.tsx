/** Flows one under the other, each in two lines. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { FlowSummary } from "../api/types";
import { CauseText, flowSubject } from "./chips";
import { Duration } from "./Duration";
import css from "./FlowList.module.css";
import { Icon } from "./Icon";
import { RelativeTime } from "./RelativeTime";
import { StageStrip } from "./StageStrip";
import { State } from "./State";
import { stateOf } from "./states";
import { row } from "./table/row";
import { useRowKeys } from "./table/useRowKeys";
import { counted } from "./words";

export function FlowList({ flows }: { flows: readonly FlowSummary[] }) {
  useRowKeys();
  return (
    <ul className={css.list}>
      {flows.map((flow) => (
        <FlowItem key={flow.id} flow={flow} />
      ))}
    </ul>
  );
}

export function FlowItem({ flow, children }: { flow: FlowSummary; children?: ReactNode }) {
  return (
    <li className={css.item} {...row}>
      <div className={css.state}>
        <State state={stateOf(flow)} size={18} />
      </div>
      <div className={css.body}>
        <div className={css.title}>
          <Link to="/flows/$flow" params={{ flow: flow.id }} className={css.name}>
            {flow.project} {flow.number}
          </Link>
          <span className={css.subject}>{flowSubject(flow)}</span>
          {flow.pinned ? <Pinned /> : null}
        </div>
        <div className={css.facts}>
          <span><CauseText cause={flow.cause} /></span>
          <RelativeTime time={flow.created_at} />
          <span>
            <Duration from={flow.created_at} to={flow.finished_at} />
          </span>
        </div>
        {children ?? (flow.workflow_errors > 0 ? <BrokenWorkflow flow={flow} /> : <StageStrip runs={flow.runs} />)}
      </div>
    </li>
  );
}

function Pinned() {
  return (
    <span role="img" aria-label="Pinned" className={css.pinned} title="Pinned: it stays with all that it left">
      <Icon name="pin" size={14} />
    </span>
  );
}

function BrokenWorkflow({ flow }: { flow: FlowSummary }) {
  return (
    <div className={css.facts}>
      Workflow file broken: {counted(flow.workflow_errors, "error")}
    </div>
  );
}
