import { describe, expect, it } from "vitest";
import { choices, keepInWords, withTime } from "./keep";

describe("how long something is kept", () => {
  it("stands in days or for ever", () => {
    expect(["1d", "90d", "1000d", "forever"].map(keepInWords)).toEqual(["1 day", "90 days", "1,000 days", "for ever"]);
  });

  it("is chosen from what is inherited, the usual times, and what it is", () => {
    const values = (said: string | null) => choices(said, "365d", "Inherit").map((choice) => choice.value);
    expect(values(null)).toEqual(["", "7d", "30d", "90d", "180d", "365d", "730d", "forever"]);
    expect(values("45d")).toEqual(["", "7d", "30d", "45d", "90d", "180d", "365d", "730d", "forever"]);
    expect(choices(null, "365d", "Inherit")[0]).toEqual({ value: "", label: "Inherit: 365 days" });
  });

  it("is said of one kind, or no longer, and the others stay", () => {
    const rules = { ci: { logs: "30d" }, dev: {} };
    expect(withTime(rules, "ci", "flows", "forever")).toEqual({ ci: { logs: "30d", flows: "forever" }, dev: {} });
    expect(withTime(rules, "ci", "logs", "")).toEqual({ ci: {}, dev: {} });
  });
});
