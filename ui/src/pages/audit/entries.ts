/** What the audit log says, in words. */
import type { AuditEntry, ChangeOutcome } from "../../api/types";
import type { StateName } from "../../parts/states";
import { oneOf, string } from "../../search";

/** What a person looks for first stands first. */
export const outcomes: readonly ChangeOutcome[] = ["made", "refused", "failed", "open"];

export const auditSchema = { by: string, project: string, outcome: oneOf(...outcomes) };

export const outcomeShapes: Record<ChangeOutcome, { state: StateName; word: string }> = {
  made: { state: "success", word: "Made" },
  refused: { state: "cancelled", word: "Refused" },
  failed: { state: "failed", word: "Failed" },
  open: { state: "no_data", word: "Open" },
};

/** Who asked for it, and what they are where that is no person. */
export function whoOf({ by: { kind, id, name } }: AuditEntry): { name: string; note: string | null } {
  const numbered = id === null ? "" : ` ${id}`;
  switch (kind) {
    case null:
      return { name: "Nobody known", note: null };
    case "person":
      return { name: name ?? `User${numbered}`, note: null };
    case "token":
      return { name: name ?? "Somebody", note: `by token${numbered}` };
    case "agent":
      return { name: name ?? `Agent${numbered}`, note: "agent" };
    case "job":
      return { name: name ?? `Attempt${numbered}`, note: "job" };
    case "service":
      return { name: name ?? "The program", note: "on the server's machine" };
  }
}

/** What it was about, as words beside each other: `name eva`. */
export function detailsOf({ details }: AuditEntry): string[] {
  return Object.entries(details).map(([what, value]) => `${what.replaceAll("_", " ")} ${value}`);
}
