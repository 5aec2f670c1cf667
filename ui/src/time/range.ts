/** Ranges of time as people write them: `now-90d` until `now`, a day of the calendar, or two moments. */

export interface TimeRange {
  from: string;
  to: string;
}

/** Seconds since 1970. */
export interface Span {
  from: number;
  until: number;
}

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const relative = /^now((?:[+-]\d+[smhdwMy])*)(?:\/([smhdwMy]))?$/;

/** A moment in seconds; null where the text is none. `end` rounds up to the end of the unit after the slash. */
export function readMoment(text: string, now: number, end: boolean): number | null {
  const trimmed = text.trim();
  const found = relative.exec(trimmed);
  if (found === null) return readAbsolute(trimmed);
  const date = new Date(now);
  for (const [, sign, count, unit] of (found[1] ?? "").matchAll(/([+-])(\d+)([smhdwMy])/g)) {
    shift(date, Number(count) * (sign === "-" ? -1 : 1), unit ?? "s");
  }
  if (found[2] !== undefined) round(date, found[2], end);
  return Math.floor(date.getTime() / 1000);
}

function readAbsolute(text: string): number | null {
  if (/^\d{11,}$/.test(text)) return Math.floor(Number(text) / 1000);
  if (/^\d{9,10}$/.test(text)) return Number(text);
  const milliseconds = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}

function shift(date: Date, count: number, unit: string): void {
  if (unit === "M") date.setUTCMonth(date.getUTCMonth() + count);
  else if (unit === "y") date.setUTCFullYear(date.getUTCFullYear() + count);
  else date.setTime(date.getTime() + count * (unitSeconds[unit] ?? 1) * 1000);
}

/** Days begin where UTC's do, as the buckets of the series do. */
function round(date: Date, unit: string, end: boolean): void {
  const start = new Date(date);
  if (unit === "M" || unit === "y") {
    start.setTime(Date.UTC(date.getUTCFullYear(), unit === "y" ? 0 : date.getUTCMonth(), 1));
  } else {
    const length = (unitSeconds[unit] ?? 1) * 1000;
    // Weeks begin on a Monday; the first day of 1970 was a Thursday.
    const phase = unit === "w" ? 4 * 86_400_000 : 0;
    start.setTime(Math.floor((date.getTime() - phase) / length) * length + phase);
  }
  if (end) {
    shift(start, 1, unit);
    start.setTime(start.getTime() - 1);
  }
  date.setTime(start.getTime());
}

export const usualRange: TimeRange = { from: "now-90d", to: "now" };

/** The range in seconds; `now` in milliseconds. A text that says nothing stands for the usual range. */
export function resolveRange(range: TimeRange, now: number): Span {
  const until = readMoment(range.to, now, true) ?? Math.floor(now / 1000);
  const from = readMoment(range.from, now, false) ?? until - 90 * 86_400;
  return from < until ? { from, until } : { from: until - 3600, until };
}

/** Whether it moves with the time, so that asking again makes sense. */
export function isMoving(range: TimeRange): boolean {
  return range.to.startsWith("now");
}

const presets: readonly [from: string, words: string][] = [
  ["now-1h", "Last hour"],
  ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-7d", "Last 7 days"],
  ["now-30d", "Last 30 days"],
  ["now-90d", "Last 90 days"],
  ["now-1y", "Last year"],
  ["now-2y", "Last 2 years"],
  ["now-5y", "Last 5 years"],
  ["now-10y", "Last 10 years"],
];

export const quickRanges: readonly (TimeRange & { words: string })[] = presets.map(([from, words]) => ({ from, to: "now", words }));

const unitWords: Record<string, string> = { s: "seconds", m: "minutes", h: "hours", d: "days", w: "weeks", M: "months", y: "years" };
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const minute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

/** "Last 90 days", "3 Nov 2026 to 10 Nov 2026" */
export function rangeInWords(range: TimeRange, now: number): string {
  const known = quickRanges.find((one) => one.from === range.from && one.to === range.to);
  if (known) return known.words;
  const simple = /^now-(\d+)([smhdwMy])$/.exec(range.from);
  if (simple && range.to === "now") return `Last ${simple[1]} ${unitWords[simple[2] ?? "s"]}`;
  const { from, until } = resolveRange(range, now);
  const whole = from % 86_400 === 0 && until % 86_400 === 0;
  const written = (seconds: number) => (whole ? day : minute).format(new Date(seconds * 1000));
  return `${written(from)} to ${written(until)}${whole ? "" : " UTC"}`;
}

/** Two moments as a range, for what was marked in a chart. */
export function absoluteRange(from: number, until: number): TimeRange {
  const written = (seconds: number) => new Date(Math.round(seconds) * 1000).toISOString().replace(".000Z", "Z");
  return { from: written(from), to: written(until) };
}

/**
 * The moments at which a query over the range is worked out. They are multiples of the step, so that the same ones are
 * asked for again; of an hour where the step is longer, so that the last of them reaches up to the newest bucket of
 * whatever counts by the hour or the day: what has just happened is in the chart.
 */
export function pointsOf({ from, until }: Span, step: number): number[] {
  const grid = Math.min(step, 3600);
  const last = Math.floor(until / grid) * grid;
  const times: number[] = [];
  for (let time = last; time >= from && times.length < mostPoints; time -= step) times.unshift(time);
  return times.length === 0 ? [last] : times;
}

/** As many as Prometheus gives at once. */
const mostPoints = 11_000;
