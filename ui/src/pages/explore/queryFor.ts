/** The query that a metric is best looked at with first. */
import type { Metric } from "../../api/measure";

export function queryFor({ name, kind, bucket_seconds: bucket, labels }: Pick<Metric, "name" | "kind" | "bucket_seconds" | "labels">): string {
  const range = bucket === null ? "$__rate_interval" : "$__interval";
  if (kind === "histogram") {
    const read = bucket === null ? "rate" : "sum_over_time";
    return `histogram_quantile(0.5, sum by (le) (${read}(${name}_bucket[${range}])))`;
  }
  if (bucket !== null) {
    if (kind === "gauge") return `last_over_time(${name}[$__interval])`;
    const group = ["outcome", "status", "author_class", "change"].find((label) => labels.includes(label)) ?? labels.find((label) => label !== "le");
    return `sum${group === undefined ? "" : ` by (${group})`} (sum_over_time(${name}[$__interval]))`;
  }
  if (kind === "counter") return `rate(${name}[${range}])`;
  return name;
}
