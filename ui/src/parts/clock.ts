/** One clock for the page: it ticks once a second while somebody looks at it, and shows the server's time. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
/** What to add to this machine's clock to get the server's, in milliseconds. */
let offset = 0;
let now = Date.now();

/** Only the server's clock decides: a browser whose clock is wrong must not show wrong durations. */
export function learnServerTime(dateHeader: string | null): void {
  if (dateHeader === null) return;
  const difference = Date.parse(dateHeader) - Date.now();
  // The header counts in whole seconds, so a small difference says nothing.
  offset = Number.isNaN(difference) || Math.abs(difference) < 2000 ? 0 : difference;
}

export function serverNow(): number {
  return Date.now() + offset;
}

function tick(): void {
  now = serverNow();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = serverNow();
    timer = setInterval(tick, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

const still = () => () => undefined;

/** The time in milliseconds; renders again each second only where it is asked to tick. */
export function useNow(ticking: boolean): number {
  return useSyncExternalStore(ticking ? subscribe : still, () => (timer === undefined ? Math.floor(serverNow() / 1000) * 1000 : now));
}
