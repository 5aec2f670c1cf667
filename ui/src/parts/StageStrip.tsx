/** The stages of a flow in a row, each with its state. */
import { Link } from "@tanstack/react-router";
import type { RunSummary } from "../api/types";
import css from "./StageStrip.module.css";
import { State } from "./State";
import { stateOf, stateWords } from "./states";

interface StageStripProps {
  runs: readonly Pick<RunSummary, "id" | "stage" | "state" | "outcome">[];
  /** Shapes alone, their names on hover: for where there is little room. */
  compact?: boolean;
}

export function StageStrip({ runs, compact = false }: StageStripProps) {
  return (
    <ul className={css.strip} aria-label="Stages" data-compact={compact}>
      {runs.map((run) => {
        const state = stateOf(run);
        return (
          <li key={run.id}>
            <Link to="/runs/$run" params={{ run: run.id }} className={css.stage} title={`${run.stage}: ${stateWords[state]}`}>
              <State state={state} size={14} label={compact ? `${run.stage}: ${stateWords[state]}` : stateWords[state]} />
              {compact ? null : <span>{run.stage}</span>}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
