/** Where an axis of values has its figures: units of time and of computers do not count by tens. */
import { secondsIn } from "../units/format";

const decades = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
const each = (bases: readonly number[], parts: readonly number[]) => bases.flatMap((base) => parts.map((part) => base * part));

/** Seconds that one counts by: up to a day as clocks do. */
const spans = [
  ...each(decades(-9, -1), [1, 2, 5]),
  ...each([1, 60], [1, 2, 5, 10, 15, 30]),
  ...each([3600], [1, 2, 3, 6, 12]),
  ...each([86_400], [1, 2, 5, 10, 20, 30, 60, 90, 180, 365, 730, 1825, 3650]),
];
const binary = each(Array.from({ length: 6 }, (_, index) => 1024 ** index), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
const binaryUnits = new Set(["bytes", "bits", "binBps"]);

/** The distances that figures of this unit may have; null for whatever counts by tens. */
export function increments(unit: string): number[] | null {
  const seconds = secondsIn(unit);
  if (seconds !== undefined) return spans.map((span) => span / seconds);
  return binaryUnits.has(unit) ? binary : null;
}

/** Spans that one knows, from which a logarithmic axis takes those within its limits. */
const landmarks = [...decades(-9, -1), 1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400, 3650 * 86_400];

export function logarithmicSplits(unit: string, least: number, most: number): number[] {
  const seconds = secondsIn(unit);
  const all = seconds === undefined ? binary.filter((_, index) => index % 5 === 0) : landmarks.map((span) => span / seconds);
  return all.filter((split) => split >= least && split <= most);
}
