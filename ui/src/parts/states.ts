/** The states that work can be in, as people see them: where it stands and how it ended, in one word. */

export type StateName =
  | "success"
  | "failed"
  | "running"
  | "waiting"
  | "manual"
  | "cancelled"
  | "timed_out"
  | "lost"
  | "skipped"
  | "no_data";

/** What the API says of a flow, a run, a job or an attempt. */
export interface Standing {
  state: string;
  outcome?: string | null;
}

export const stateWords: Record<StateName, string> = {
  success: "Success",
  failed: "Failed",
  running: "Running",
  waiting: "Waiting",
  manual: "Manual",
  cancelled: "Cancelled",
  timed_out: "Timed out",
  lost: "Lost",
  skipped: "Skipped",
  no_data: "No data",
};

function isStateName(word: string): word is StateName {
  return word in stateWords;
}

/** One word for where something stands; a word that this page does not know counts as no data. */
export function stateOf(standing: Standing): StateName {
  const word = standing.state === "finished" ? (standing.outcome ?? "no_data") : standing.state;
  return isStateName(word) ? word : "no_data";
}

/** A step has only an outcome; it runs, or waits for its turn, while it has none. */
export function stateOfOutcome(outcome: string | null | undefined, meanwhile: StateName): StateName {
  if (outcome == null) return meanwhile;
  return isStateName(outcome) ? outcome : "no_data";
}

export function isOver(standing: Standing): boolean {
  return standing.state === "finished";
}

/** Whether people look into it because it went wrong. */
export function isBad(state: StateName): boolean {
  return state === "failed" || state === "timed_out" || state === "lost";
}

export function stateColour(state: StateName): string {
  return `var(--state-${state.replace("_", "-")})`;
}
