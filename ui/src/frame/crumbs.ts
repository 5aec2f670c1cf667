/** Where one is, as the page itself says it: the frame shows it above every page. */
import { type ReactNode, useLayoutEffect, useSyncExternalStore } from "react";

export interface Crumb {
  label: string;
  /** Where it leads; the last crumb leads nowhere. */
  to?: string;
  /** What stands beside it, as entries of a menu; read only when the menu is opened. */
  siblings?: () => ReactNode;
}

const listeners = new Set<() => void>();
let crumbs: readonly Crumb[] = [];

export function useCrumbs(next: readonly Crumb[]): void {
  const title = next.toReversed().map((crumb) => crumb.label).join(" · ");
  useLayoutEffect(() => {
    crumbs = next;
    document.title = title === "" ? "Keirin" : `${title} · Keirin`;
    for (const listener of listeners) listener();
    // The title holds all that a crumb shows.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [title]);
}

export function useShownCrumbs(): readonly Crumb[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => crumbs,
  );
}
