/** The words under and beside a chart. */
import type { TimeZone } from "../parts/timezone";

const options = (zone: TimeZone, rest: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat("en-GB", { ...rest, hourCycle: "h23", ...(zone === "utc" ? { timeZone: "UTC" } : {}) });

const day = 86_400;

/** Moments under a time axis, as short as their distance allows. Takes seconds. */
export function momentsInWords(times: readonly number[], distance: number, zone: TimeZone): string[] {
  const year = options(zone, { year: "numeric" });
  const month = options(zone, { month: "short" });
  const date = options(zone, { day: "numeric", month: "short" });
  const minute = options(zone, { hour: "2-digit", minute: "2-digit" });
  const second = options(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  let lastYear = "";
  let lastDate = "";
  return times.map((time) => {
    const at = new Date(time * 1000);
    if (distance >= 360 * day) return year.format(at);
    if (distance >= 27 * day) {
      const ofYear = year.format(at);
      const first = ofYear !== lastYear;
      lastYear = ofYear;
      return first ? `${month.format(at)} ${ofYear}` : month.format(at);
    }
    if (distance >= day) return date.format(at);
    const ofDay = date.format(at);
    const first = ofDay !== lastDate && lastDate !== "";
    lastDate = ofDay;
    if (first && minute.format(at) === "00:00") return ofDay;
    return (distance < 60 ? second : minute).format(at);
  });
}

/** The moment a point stands for, written out as far as its step makes sense. */
export function pointInWords(time: number, step: number, zone: TimeZone): string {
  const at = new Date(time * 1000);
  const dayOnly = step >= day && step % day === 0;
  const written = options(dayOnly ? "utc" : zone, dayOnly ? { weekday: "short", day: "numeric", month: "short", year: "numeric" } : { dateStyle: "medium", timeStyle: step < 60 ? "medium" : "short" });
  return written.format(at);
}
