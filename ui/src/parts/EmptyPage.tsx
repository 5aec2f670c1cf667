/** A place with nothing in it yet: says what would fill it and offers the first step. */
import type { ReactNode } from "react";
import css from "./EmptyPage.module.css";

interface EmptyPageProps {
  title: string;
  /** It is the whole page, so its title is the page's. */
  page?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}

export function EmptyPage({ title, page = false, children, action }: EmptyPageProps) {
  return (
    <div className={css.empty}>
      <svg width="72" height="44" viewBox="0 0 72 44" aria-hidden="true" className={css.track}>
        <rect x="2" y="2" width="68" height="40" rx="20" />
        <rect x="12" y="11" width="48" height="22" rx="11" />
        <circle cx="22" cy="6.5" r="3.5" />
      </svg>
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children ? <div className={css.text}>{children}</div> : null}
      {action ? <div className={css.action}>{action}</div> : null}
    </div>
  );
}
