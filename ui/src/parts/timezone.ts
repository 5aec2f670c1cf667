/** Whether absolute times are shown in the viewer's own time zone or in UTC. */
import { useSyncExternalStore } from "react";
import { remember, remembered } from "./memory";

export type TimeZone = "local" | "utc";

const key = "keirin-time-zone";
const listeners = new Set<() => void>();
let zone: TimeZone = remembered(key) === "utc" ? "utc" : "local";

export function setTimeZone(chosen: TimeZone): void {
  zone = chosen;
  remember(key, chosen);
  for (const listener of listeners) listener();
}

export function useTimeZone(): TimeZone {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => zone,
  );
}

const options: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" };
const local = new Intl.DateTimeFormat("en-GB", options);
const utc = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
const localOffset = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

/** "20 Nov 2026, 22:57:30 UTC" */
export function absolute(time: string, chosen: TimeZone): string {
  const date = new Date(time);
  if (chosen === "utc") return `${utc.format(date)} UTC`;
  const name = localOffset.formatToParts(date).find((part) => part.type === "timeZoneName")?.value ?? "";
  return `${local.format(date)} ${name}`;
}

const clock: Intl.DateTimeFormatOptions = {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
};
const localClock = new Intl.DateTimeFormat("en-GB", clock);
const utcClock = new Intl.DateTimeFormat("en-GB", { ...clock, timeZone: "UTC" });

/** "22:57:30.123", for log lines. */
export function clockTime(time: string, chosen: TimeZone): string {
  return (chosen === "utc" ? utcClock : localClock).format(new Date(time));
}
