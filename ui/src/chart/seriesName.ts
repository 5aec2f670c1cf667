/** What a series is called where nobody gave it a name. */
import type { Labels } from "../api/prometheus";

/** A series in words: its labels, or what was asked where it has none. */
export function seriesName(labels: Labels, query: string): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest);
  if (pairs.length === 0) return name === "" ? query : name;
  if (name === "" && pairs.length === 1) return pairs[0]?.[1] || `no ${pairs[0]?.[0]}`;
  return `${name}{${pairs.map(([label, value]) => `${label}="${value}"`).join(", ")}}`;
}
