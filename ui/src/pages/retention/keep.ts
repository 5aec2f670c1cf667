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

/** Times that people choose from. */
const usual = ["7d", "30d", "90d", "180d", "365d", "730d", "forever"];

/** "90 days", "for ever". */
export function keepInWords(keep: string): string {
  return keep === "forever" ? "for ever" : counted(Number.parseInt(keep, 10), "day");
}

/** What a time can be set to: what it inherits first, and what it is, however unusual that is. */
export function choices(said: string | null | undefined, inherited: string, inherits: string): { value: string; label: string }[] {
  const times = said == null || usual.includes(said) ? usual : [...usual, said].toSorted((left, right) => daysOf(left) - daysOf(right));
  return [{ value: "", label: `${inherits}: ${keepInWords(inherited)}` }, ...times.map((value) => ({ value, label: keepInWords(value) }))];
}

function daysOf(keep: string): number {
  return keep === "forever" ? Number.POSITIVE_INFINITY : Number.parseInt(keep, 10);
}

/** With another time; nothing is said any more where it is empty. */
export function withTime(rules: RetentionRules, flows: keyof RetentionRules, kind: RetainedKind, keep: string): RetentionRules {
  const { [kind]: _, ...others }: KeepTimes = rules[flows];
  return { ...rules, [flows]: keep === "" ? others : { ...others, [kind]: keep } };
}

/** How long something is kept, everything inherited. */
export function keptFor(effective: EffectiveRetention, flows: keyof RetentionRules, kind: RetainedKind): string {
  return effective[flows][kind].keep;
}

/** When this of a flow was removed, as far as nothing came since. */
export function removedAt(retention: FlowRetention, kind: Exclude<RetainedKind, "flows">): string | null {
  return { logs: retention.logs_removed_at, artifacts: retention.artifacts_removed_at, test_results: retention.test_results_removed_at }[kind];
}
