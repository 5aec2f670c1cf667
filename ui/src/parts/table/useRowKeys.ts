/** `j` and `k` walk the rows of the page: each takes the focus itself, so that no key can press a button in it. */
import { type Key, useKeys } from "../../keyboard/keys";

const keys: Key[] = [
  { keys: "j", does: "Next row", run: () => walk(1) },
  { keys: "k", does: "Row before", run: () => walk(-1) },
  // The row itself answers to it: see row.ts.
  { keys: "Enter", does: "Open the row" },
];

/** For whatever shows rows. Where a page has several lists they are walked one after the other. */
export function useRowKeys(): void {
  useKeys("In a list", keys);
}

function walk(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = now === -1 ? rows.at(by > 0 ? 0 : -1) : rows[now + by];
  if (next === undefined) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
