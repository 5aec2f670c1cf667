/** One figure out of many, by the names that Grafana has for ways to do it. */

export function reduce(values: readonly (number | null)[], how: string): number | null {
  const known = values.filter((value): value is number => value !== null && !Number.isNaN(value));
  const first = known[0] ?? null;
  const last = known.at(-1) ?? null;
  const sum = () => known.reduce((total, value) => total + value, 0);
  switch (how) {
    case "last":
      return values.at(-1) ?? null;
    case "first":
    case "firstNotNull":
      return first;
    case "min":
      return known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b));
    case "max":
      return known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b));
    case "mean":
      return known.length === 0 ? null : sum() / known.length;
    case "sum":
    case "total":
      return known.length === 0 ? null : sum();
    case "count":
      return known.length;
    case "median": {
      const sorted = known.toSorted((a, b) => a - b);
      const middle = sorted.length / 2;
      if (sorted.length === 0) return null;
      return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2 : (sorted[Math.floor(middle)] ?? null);
    }
    case "range":
      return known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b)) - known.reduce((a, b) => Math.min(a, b));
    case "diff":
    case "delta":
      return first === null || last === null ? null : last - first;
    case "diffperc":
      return first === null || last === null || first === 0 ? null : (last - first) / first;
    default:
      return last;
  }
}

/** What a way is called in a heading. */
export const reducedWords: Record<string, string> = {
  lastNotNull: "Last",
  last: "Last",
  first: "First",
  firstNotNull: "First",
  min: "Least",
  max: "Greatest",
  mean: "Mean",
  sum: "Sum",
  total: "Sum",
  count: "Count",
  median: "Median",
  range: "Range",
  diff: "Difference",
  delta: "Difference",
  diffperc: "Difference",
};
