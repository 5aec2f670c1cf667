/** What all projects and the server keep together. */
import type { ReactNode } from "react";
import { RelativeTime } from "../../parts/RelativeTime";
import { bytesInWords, counted, figure } from "../../parts/words";
import type { StorageTotals } from "./shares";
import css from "./StoragePage.module.css";

export function TotalFigures({ totals }: { totals: StorageTotals }) {
  return (
    <dl className={css.figures}>
      <TotalFigure name="Artifacts" value={bytesInWords(totals.artifactBytes)}>
        in {counted(totals.artifacts, "artifact")}
      </TotalFigure>
      <TotalFigure name="Logs" value={bytesInWords(totals.logBytes)}>
        compressed, as they are kept
      </TotalFigure>
      <TotalFigure name="Flows" value={figure(totals.flows)}>
        {totals.oldestFlowAt === null ? "none was started yet" : <>the oldest started <RelativeTime time={totals.oldestFlowAt} /></>}
      </TotalFigure>
      <TotalFigure name="Test results" value={figure(totals.testResults)}>
        in the database
      </TotalFigure>
    </dl>
  );
}

export function TotalFiguresSkeleton() {
  return (
    <div className={css.figures}>
      {["artifacts", "logs", "flows", "tests"].map((name) => (
        <div key={name} className={css.figure} />
      ))}
    </div>
  );
}

function TotalFigure({ name, value, children }: { name: string; value: string; children: ReactNode }) {
  return (
    <div className={css.figure}>
      <dt className={css.dim}>{name}</dt>
      <dd className={css.value}>{value}</dd>
      <dd className={css.dim}>{children}</dd>
    </div>
  );
}
