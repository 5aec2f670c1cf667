/** The heading of what is shown for each project. */
import type { ReactNode } from "react";
import css from "./StoragePage.module.css";

export function ByProject({ legend, children }: { legend?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <div className={css.headingLine}>
        <h2 className={css.heading}>By project</h2>
        {legend}
      </div>
      {children}
    </section>
  );
}
