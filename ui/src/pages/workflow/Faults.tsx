/** What is wrong with a file, each with what to do; choosing one goes to its line. */
import type { Diagnostic } from "../../api/types";
import { Sentence } from "../../parts/Sentence";
import css from "./Faults.module.css";

export function Faults({ diagnostics, onGo }: { diagnostics: readonly Diagnostic[]; onGo: (line: number) => void }) {
  return (
    <ul className={css.faults}>
      {diagnostics.map((fault) => (
        <li key={`${fault.line}:${fault.column} ${fault.message}`}>
          <button type="button" onClick={() => onGo(fault.line)}>
            <span className={css.place} data-severity={fault.severity}>
              {fault.severity === "error" ? "Error" : "Warning"}, line {fault.line}
            </span>
            <span>
              <Sentence text={fault.message} />
            </span>
            {fault.suggestion === null ? null : (
              <span className={css.suggestion}>
                <Sentence text={fault.suggestion} />
              </span>
            )}
          </button>
        </li>
      ))}
    </ul>
  );
}
