/** The stages of a flow in a row, each with its state. */
import { Link } from "@tanstack/react-router";
import type { RunSummary } from "../api/types";
import css from "./StageStrip.module.css";
import { State } from "./State";
import { stateOf, stateWords } from "./states";

export function StageStrip({ runs }: { runs: readonly Pick<RunSummary, "id" | "stage" | "state" | "outcome">[] }) {
  return (
    <ul className={css.strip} aria-label="Stages">
      {runs.map((run) => {
        const state = stateOf(run);
        return (
          <li key={run.id}>
            <Link to="/runs/$run" params={{ run: run.id }} className={css.stage} title={`${run.stage}: ${stateWords[state]}`}>
              <State state={state} size={14} />
              <span>{run.stage}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
