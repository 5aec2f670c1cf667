/** How long what flows leave is kept, in words, and changes of what is said of it. */
import type { EffectiveRetention, FlowRetention, KeepTimes, RetainedKind, RetentionRules } from "../../api/types";
import { counted } from "../../parts/words";

/** What is kept, in the order and the words of the page. */
export const kinds: readonly { kind: RetainedKind; title: string; note: string }[] = [
  { kind: "flows", title: "Flows", note: "and with them all that they left" },
  { kind: "logs", title: "Logs", note: "at most as long as their flow" },
  { kind: "artifacts", title: "Artifacts", note: "at most as long as their flow" },
  { kind: "test_results", title: "Test results", note: "their counts stay" },
];

/** Kinds of flows. */
export const flowKinds: readonly { kind: keyof RetentionRules; title: string }[] = [
  { kind: "ci", title: "Branches and tags" },
  { kind: "dev", title: "Proposed changes" },
];

/** Periods that people choose from. */
const presets = ["7d", "30d", "90d", "180d", "365d", "730d", "forever"];

/** "90 days", "for ever". Nothing is kept longer than its flow. */
export function keepInWords(keep: string, kind: RetainedKind = "flows"): string {
  if (keep !== "forever") return counted(Number.parseInt(keep, 10), "day");
  return kind === "flows" ? "for ever" : "as long as their flow";
}

/** What a period can be set to: what it inherits first, and what it is, however unusual that is. */
export function choices(kind: RetainedKind, chosen: string | null | undefined, inherited: string, inherits: string): { value: string; label: string }[] {
  const isPreset = chosen == null || presets.includes(chosen);
  const periods = isPreset ? presets : [...presets, chosen].toSorted((left, right) => daysOf(left) - daysOf(right));
  return [{ value: "", label: `${inherits}: ${keepInWords(inherited, kind)}` }, ...periods.map((value) => ({ value, label: keepInWords(value, kind) }))];
}

function daysOf(keep: string): number {
  return keep === "forever" ? Number.POSITIVE_INFINITY : Number.parseInt(keep, 10);
}

/** With another time; nothing is said any more where it is empty. */
export function withTime(rules: RetentionRules, flows: keyof RetentionRules, kind: RetainedKind, keep: string): RetentionRules {
  const { [kind]: _, ...others }: KeepTimes = rules[flows];
  return { ...rules, [flows]: keep === "" ? others : { ...others, [kind]: keep } };
}

/** What a rule about some branches inherits: what its project says above it, and what that inherits. */
export function inheritedOver(inherited: EffectiveRetention, rules: RetentionRules): EffectiveRetention {
  const over = (flows: keyof RetentionRules) => {
    const of = (kind: RetainedKind) => {
      const keep = rules[flows][kind];
      return keep == null ? inherited[flows][kind] : { keep, from: "project" as const };
    };
    return { flows: of("flows"), logs: of("logs"), artifacts: of("artifacts"), test_results: of("test_results") };
  };
  return { ci: over("ci"), dev: over("dev") };
}

/** When this of what has ended was removed; `null` where it was not, or came after that because it ran again. */
export function removedAt(retention: FlowRetention, kind: Exclude<RetainedKind, "flows">, finishedAt: string | null | undefined): string | null {
  const removed = { logs: retention.logs_removed_at, artifacts: retention.artifacts_removed_at, test_results: retention.test_results_removed_at }[kind];
  if (removed === null || finishedAt == null) return null;
  return Date.parse(finishedAt) <= Date.parse(removed) ? removed : null;
}
