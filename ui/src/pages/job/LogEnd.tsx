/** The last lines of a job's log, as they are written; of one that went wrong, those of the step that did. */
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Job, LogSummary } from "../../api/types";
import { LineText } from "../../log/LineText";
import { useLogStore } from "../../log/useLogStore";
import { ProblemPanel } from "../../parts/ProblemPanel";
import { isBad, stateOf } from "../../parts/states";
import { counted } from "../../parts/words";
import css from "./LogEnd.module.css";

const shownLines = 14;

export function LogEnd({ job, log }: { job: Job; log: LogSummary }) {
  const store = useLogStore(job, undefined);
  const total = Math.max(store.total, log.lines);
  const wrong = job.steps.find((step) => isBad(stateOf(step)));
  const last = log.steps.find((mark) => wrong !== undefined && mark.index === wrong.index)?.last_line ?? total;
  const first = Math.max(1, last - shownLines + 1);
  useEffect(() => store.need(first, last));
  const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  return (
    <div className={css.end}>
      <div className={css.head}>
        <h3>{last === total || wrong === undefined ? "End of the log" : `End of ${wrong.name}`}</h3>
        <Link to="/jobs/$job" params={{ job: job.id }}>
          {counted(total, "line")}
        </Link>
      </div>
      {store.error === null ? null : <ProblemPanel error={store.error} onRetry={() => store.retry()} />}
      <pre className={css.lines}>
        {lines.map((line) => (
          <div key={line}>{store.get(line) ? <LineText text={store.get(line)?.text ?? ""} marker={null} /> : " "}</div>
        ))}
      </pre>
    </div>
  );
}
