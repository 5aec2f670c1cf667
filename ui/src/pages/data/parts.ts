/** The states of the parts of the data pipeline, as shapes, colours and words. */
import type { PipelinePart, PartState } from "../../api/measure";
import type { StateName } from "../../parts/states";

export const partStates: Record<PartState, { state: StateName; word: string }> = {
  ok: { state: "success", word: "Up to date" },
  late: { state: "timed_out", word: "Late" },
  failed: { state: "failed", word: "Failed" },
  empty: { state: "no_data", word: "Empty" },
};

/** The worst state of all parts, for the one line that says how it stands. */
export function worst(parts: readonly PipelinePart[]): PartState {
  const order: PartState[] = ["failed", "late", "ok", "empty"];
  return order.find((state) => parts.some((part) => part.state === state)) ?? "empty";
}
