/** How many test cases several counts hold together; undefined where none were collected. */
import type { TestCounts } from "../../api/types";

export function testsIn(counts: readonly (TestCounts | null)[]): number | undefined {
  const known = counts.filter((one) => one !== null);
  if (known.length === 0) return undefined;
  return known.reduce((sum, one) => sum + one.passed + one.failed + one.errors + one.skipped, 0);
}
