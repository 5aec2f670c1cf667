/** The content of a page between its gutters. */
import type { ReactNode } from "react";
import css from "./Page.module.css";

/** As wide as reads well, unless a page has more to show across, or only a form. */
export function Page({ children, width = "reading" }: { children: ReactNode; width?: "reading" | "whole" | "form" }) {
  return (
    <div className={css.page} data-width={width}>
      {children}
    </div>
  );
}
