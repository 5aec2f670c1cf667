/** How far apart the points of a chart lie. */

const day = 86_400;
const steps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
  day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 364 * day,
];

/** The shortest of the usual steps that gives at most so many points, and no shorter than the least. */
export function stepFor(span: number, points: number, least = 1): number {
  const wanted = Math.max(span / Math.max(points, 2), least);
  return steps.find((step) => step >= wanted) ?? Math.ceil(wanted / day) * day;
}

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: day, w: 7 * day, y: 365 * day };

/** "90s", "1h30m", "1d" in seconds; null where the text is none. A figure alone counts seconds. */
export function readDuration(text: string): number | null {
  const trimmed = text.trim().replace(/^[<>]=?/, "");
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(trimmed)) return null;
  let sum = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(count) * (unitSeconds[unit ?? "s"] ?? 1);
  return sum;
}

/** Seconds as PromQL writes them: "7d", "90s". */
export function writeDuration(seconds: number): string {
  if (seconds < 1 || !Number.isInteger(seconds)) return `${Math.max(1, Math.round(seconds * 1000))}ms`;
  for (const unit of ["w", "d", "h", "m"] as const) {
    const length = unitSeconds[unit] ?? 1;
    if (seconds % length === 0 && unit !== "w") return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}
