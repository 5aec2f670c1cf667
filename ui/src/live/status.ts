/** Whether this page hears of changes as they happen. */
import { useSyncExternalStore } from "react";

export type LiveStatus = "live" | "connecting" | "off";

const listeners = new Set<() => void>();
let status: LiveStatus = "connecting";

export function setLiveStatus(next: LiveStatus): void {
  if (next === status) return;
  status = next;
  for (const listener of listeners) listener();
}

export function useLiveStatus(): LiveStatus {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => status,
  );
}
