/** `j` and `k` walk the rows: the first link or button of each takes the focus, so that Enter opens it. */
import { type RefObject, useMemo } from "react";
import { type Key, useKeys } from "../../keyboard/keys";

export function useRowKeys(body: RefObject<HTMLElement | null>): void {
  const keys = useMemo<Key[]>(() => {
    const step = (by: number) => () => walk(body.current, by);
    return [
      { keys: "j", does: "Next row", run: step(1) },
      { keys: "k", does: "Row before", run: step(-1) },
    ];
  }, [body]);
  useKeys("In a list", keys);
}

function walk(body: HTMLElement | null, by: number): void {
  if (body === null) return;
  const rows = [...body.querySelectorAll<HTMLElement>("[data-row]")].filter((row) => focusable(row) !== null);
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = now === -1 ? rows[by > 0 ? 0 : rows.length - 1] : rows[now + by];
  if (next === undefined) return;
  focusable(next)?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function focusable(row: HTMLElement): HTMLElement | null {
  return row.querySelector<HTMLElement>("a[href], button:not([disabled])");
}
