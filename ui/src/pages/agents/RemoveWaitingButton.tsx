/** Removes all agents at once that nobody has let in. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { deleteWaitingAgents } from "../../api/actions";
import { useMay } from "../../api/me";
import { agentsQuery, queryClient } from "../../api/queries";
import type { Agent } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { notify, say } from "../../parts/notices";
import { counted } from "../../parts/words";

export function RemoveWaitingButton({ agents }: { agents: readonly Agent[] }) {
  const may = useMay("admin");
  const waiting = agents.filter((agent) => agent.state === "unauthorised").length;
  const remove = useMutation({
    mutationFn: deleteWaitingAgents,
    onSuccess: async ({ removed }) => {
      await queryClient.invalidateQueries(agentsQuery);
      say(`${counted(removed, "agent")} removed.`);
    },
    onError: notify,
  });
  // One alone is let in or forgotten in its row.
  if (!may || waiting < 2) return null;
  return (
    <Button
      variant="default"
      loading={remove.isPending}
      onClick={() =>
        confirmFirst({
          title: `Remove ${counted(waiting, "agent")}?`,
          text: "All agents that nobody has let in are removed. One that is wanted makes itself known again when it is started again.",
          action: "Remove agents",
          onConfirm: () => remove.mutate(),
        })
      }
    >
      Remove all that wait
    </Button>
  );
}
