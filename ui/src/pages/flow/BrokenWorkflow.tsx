/** In the place of the map of a flow whose workflow file is broken: what is wrong, at which lines. */
import type { Flow } from "../../api/types";
import { LinkButton } from "../../parts/LinkButton";
import { Panel } from "../../parts/Panel";
import { Sentence } from "../../parts/Sentence";
import css from "./BrokenWorkflow.module.css";

export function BrokenWorkflow({ flow }: { flow: Flow }) {
  return (
    <Panel title="The workflow file is broken">
      <p className={css.note}>Nothing ran. Correct the file and push it; the next flow then runs.</p>
      <ul className={css.faults}>
        {flow.diagnostics.map((fault) => (
          <li key={`${fault.file}:${fault.line}:${fault.column} ${fault.message}`}>
            <div className={css.place} data-severity={fault.severity}>
              {fault.severity === "error" ? "Error" : "Warning"} in <code>{fault.file}</code>, line {fault.line}, column {fault.column}
            </div>
            <div>
              <Sentence text={fault.message} />
            </div>
            {fault.suggestion === null ? null : (
              <div className={css.note}>
                <Sentence text={fault.suggestion} />
              </div>
            )}
          </li>
        ))}
      </ul>
      {flow.branch_kind === "tag" ? null : (
        <LinkButton
          variant="default"
          to="/projects/$project/branches/$branch/workflow"
          params={{ project: flow.project, branch: flow.branch }}
          search={{ commit: flow.commit ?? undefined, name: flow.workflow }}
        >
          Show the workflow file
        </LinkButton>
      )}
    </Panel>
  );
}
