/** The content of a page between its gutters. */
import type { ReactNode } from "react";
import css from "./Page.module.css";

export function Page({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  return (
    <div className={css.page} data-wide={wide}>
      {children}
    </div>
  );
}
