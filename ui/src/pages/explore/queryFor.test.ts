import { expect, it } from "vitest";
import { queryFor } from "./queryFor";

it("exact counts are summed, and never read as a rate", () => {
  expect(queryFor({ name: "flows_total", kind: "counter", bucket_seconds: 3600, labels: ["project", "outcome"] })).toBe("sum by (outcome) (sum_over_time(flows_total[$__interval]))");
  expect(queryFor({ name: "people", kind: "gauge", bucket_seconds: 86_400, labels: [] })).toBe("last_over_time(people[$__interval])");
});

it("a histogram is read by its median", () => {
  expect(queryFor({ name: "wait_seconds", kind: "histogram", bucket_seconds: 3600, labels: [] })).toBe("histogram_quantile(0.5, sum by (le) (sum_over_time(wait_seconds_bucket[$__interval])))");
});

it("what is scraped is read as its kind wants", () => {
  expect(queryFor({ name: "requests_total", kind: "counter", bucket_seconds: null, labels: [] })).toBe("rate(requests_total[$__rate_interval])");
  expect(queryFor({ name: "up", kind: "gauge", bucket_seconds: null, labels: [] })).toBe("up");
});
