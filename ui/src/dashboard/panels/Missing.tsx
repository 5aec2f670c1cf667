/** In place of a drawing that cannot be made: says why. */
import type { ReactNode } from "react";
import { Icon } from "../../parts/Icon";
import css from "./panels.module.css";

export function Missing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    // It may scroll, so the keyboard has to be able to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.missing} role="group" aria-label={title} tabIndex={0}>
      <Icon name="info" size={18} />
      <div>
        <strong>{title}</strong>
        {children === undefined ? null : <div className={css.dim}>{children}</div>}
      </div>
    </div>
  );
}
