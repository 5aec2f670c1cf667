import { describe, expect, it } from "vitest";
import type { EffectiveRetention } from "../../api/types";
import { choices, inheritedOver, keepInWords, removedAt, withTime } from "./keep";

describe("how long something is kept", () => {
  it("stands in days or for ever, which is as long as the flow for what it left", () => {
    expect(["1d", "90d", "1000d", "forever"].map((keep) => keepInWords(keep))).toEqual(["1 day", "90 days", "1,000 days", "for ever"]);
    expect(keepInWords("forever", "logs")).toBe("as long as their flow");
  });

  it("is chosen from what is inherited, the usual periods, and what it is", () => {
    const values = (chosen: string | null) => choices("flows", chosen, "365d", "Inherit").map((choice) => choice.value);
    expect(values(null)).toEqual(["", "7d", "30d", "90d", "180d", "365d", "730d", "forever"]);
    expect(values("45d")).toEqual(["", "7d", "30d", "45d", "90d", "180d", "365d", "730d", "forever"]);
    expect(choices("logs", null, "forever", "Default")[0]).toEqual({ value: "", label: "Default: as long as their flow" });
  });

  it("is said of one kind, or no longer, and the others stay", () => {
    const rules = { ci: { logs: "30d" }, dev: {} };
    expect(withTime(rules, "ci", "flows", "forever")).toEqual({ ci: { logs: "30d", flows: "forever" }, dev: {} });
    expect(withTime(rules, "ci", "logs", "")).toEqual({ ci: {}, dev: {} });
  });

  it("is inherited by a rule about branches as the form says it, saved or not", () => {
    const built = { keep: "365d", from: "built_in" as const };
    const times = { flows: built, logs: built, artifacts: built, test_results: built };
    const inherited: EffectiveRetention = { ci: times, dev: times };
    const over = inheritedOver(inherited, { ci: { logs: "7d" }, dev: {} });
    expect([over.ci.logs.keep, over.ci.flows.keep, over.dev.logs.keep]).toEqual(["7d", "365d", "365d"]);
  });
});

it("what ran again after something was removed is not said to be removed", () => {
  const retention = { pinned: false, logs_removed_at: "2026-05-01T00:00:00Z", artifacts_removed_at: null, test_results_removed_at: null };
  expect(removedAt(retention, "logs", "2026-01-01T00:00:00Z")).toBe("2026-05-01T00:00:00Z");
  expect(removedAt(retention, "logs", "2026-06-01T00:00:00Z")).toBeNull();
  expect(removedAt(retention, "logs", null)).toBeNull();
  expect(removedAt(retention, "artifacts", "2026-01-01T00:00:00Z")).toBeNull();
});
