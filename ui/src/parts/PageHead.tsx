/** The title line of a page, with what one can do there; it keeps its height while things run. */
import type { ReactNode } from "react";
import css from "./PageHead.module.css";
import { State } from "./State";
import type { StateName } from "./states";

interface PageHeadProps {
  title: ReactNode;
  state?: StateName | undefined;
  /** One line under the title: what, who, when, how long. */
  facts?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ title, state, facts, actions }: PageHeadProps) {
  return (
    <header className={css.head}>
      <div className={css.line}>
        {state ? <State state={state} size={22} /> : null}
        <h1 className={css.title}>{title}</h1>
      </div>
      {actions === undefined ? null : <div className={css.actions}>{actions}</div>}
      {facts === undefined ? null : <div className={css.facts}>{facts}</div>}
    </header>
  );
}
