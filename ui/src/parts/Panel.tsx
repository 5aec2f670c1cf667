/** A bordered surface with an optional heading line: the one kind of box that the page has. */
import type { ReactNode } from "react";
import css from "./Panel.module.css";

interface PanelProps {
  title?: ReactNode;
  /** Right end of the heading line. */
  aside?: ReactNode;
  children: ReactNode;
  /** Without inner distance, for tables and lists. */
  flush?: boolean;
}

export function Panel({ title, aside, children, flush = false }: PanelProps) {
  return (
    <section className={css.panel}>
      {title !== undefined || aside !== undefined ? (
        <header className={css.head}>
          <h2 className={css.title}>{title}</h2>
          {aside === undefined ? null : <div className={css.aside}>{aside}</div>}
        </header>
      ) : null}
      <div className={flush ? undefined : css.body}>{children}</div>
    </section>
  );
}
