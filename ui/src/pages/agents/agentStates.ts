/** Where an agent stands, by the shapes that states have everywhere. */
import type { Agent } from "../../api/types";
import type { StateName } from "../../parts/states";

export const agentShapes: Record<Agent["state"], { state: StateName; word: string }> = {
  online: { state: "success", word: "Online" },
  offline: { state: "lost", word: "Offline" },
  disabled: { state: "cancelled", word: "Disabled" },
  unauthorised: { state: "manual", word: "Not authorised" },
};
