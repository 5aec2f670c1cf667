/** Flows by stages: each cell is a run with its state, its duration and its tests. */
import { Link } from "@tanstack/react-router";
import type { FlowSummary, RunSummary } from "../../api/types";
import { CauseText, CommitChip, flowSubject } from "../../parts/chips";
import { Duration } from "../../parts/Duration";
import { RelativeTime } from "../../parts/RelativeTime";
import { State } from "../../parts/State";
import { stateColour, stateOf, stateWords } from "../../parts/states";
import { row } from "../../parts/table/row";
import { useRowKeys } from "../../parts/table/useRowKeys";
import { counted, inWords } from "../../parts/words";
import css from "./FlowGrid.module.css";
import { stagesOf, trendOf } from "./stages";

export function FlowGrid({ flows }: { flows: readonly FlowSummary[] }) {
  useRowKeys();
  const stages = stagesOf(flows);
  return (
    <div className={css.scroll}>
      <table className={css.grid} aria-label="Flows by stages">
        <thead>
          <tr>
            <th scope="col" className={css.flow}>Flow</th>
            {stages.map((stage) => (
              <StageHead key={stage} stage={stage} flows={flows} />
            ))}
            <th scope="col" className={css.when}>When</th>
          </tr>
        </thead>
        <tbody>
          {flows.map((flow) => (
            <tr key={flow.id} {...row}>
              <th scope="row" className={css.flow}>
                <FlowCell flow={flow} />
              </th>
              {stages.map((stage) => (
                <td key={stage}>
                  <RunCell run={flow.runs.find((run) => run.stage === stage)} />
                </td>
              ))}
              <td className={css.when}>
                <RelativeTime time={flow.created_at} />
                <div>
                  <Duration from={flow.created_at} to={flow.finished_at} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StageHead({ stage, flows }: { stage: string; flows: readonly FlowSummary[] }) {
  const trend = trendOf(stage, flows);
  const title =
    trend === null
      ? `${stage}: no run has finished`
      : `${stage}: ${trend.good} of ${counted(trend.finished, "run")} succeeded, ${inWords(trend.medianSeconds)} median`;
  return (
    <th scope="col" title={title}>
      {stage}
    </th>
  );
}

function FlowCell({ flow }: { flow: FlowSummary }) {
  return (
    <div className={css.head}>
      <State state={stateOf(flow)} size={18} />
      <div className={css.about}>
        <div className={css.title}>
          <Link to="/flows/$flow" params={{ flow: flow.id }}>
            {flow.number}
          </Link>
          <span>{flowSubject(flow)}</span>
        </div>
        <div className={css.facts}>
          <CommitChip commit={flow.commit} />
          <span><CauseText cause={flow.cause} /></span>
          {flow.workflow_errors > 0 ? <span>workflow file broken: {counted(flow.workflow_errors, "error")}</span> : null}
        </div>
      </div>
    </div>
  );
}

function RunCell({ run }: { run: RunSummary | undefined }) {
  if (run === undefined) return <span className={css.absent} title="This flow has no such stage" />;
  const state = stateOf(run);
  return (
    <Link
      to="/runs/$run"
      params={{ run: run.id }}
      className={css.cell}
      data-state={state}
      style={{ "--state": stateColour(state) } as React.CSSProperties}
    >
      <State state={state} />
      <span className={css.cellText}>
        {run.started_at === null ? (
          <span className={css.tests}>{stateWords[state]}</span>
        ) : (
          <Duration from={run.started_at} to={run.finished_at} />
        )}
        {run.tests ? <Tests tests={run.tests} /> : null}
      </span>
    </Link>
  );
}

function Tests({ tests }: { tests: NonNullable<RunSummary["tests"]> }) {
  const bad = tests.failed + tests.errors;
  const all = bad + tests.passed + tests.skipped;
  return bad > 0 ? (
    <span className={css.bad}>{bad} of {counted(all, "test")} failed</span>
  ) : (
    <span className={css.tests}>{counted(all, "test")}</span>
  );
}
