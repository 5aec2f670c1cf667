/** Starts a stage that waits for a person. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { startRun } from "../../api/actions";
import { useMay } from "../../api/me";
import { queryClient } from "../../api/queries";
import type { Run } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";

export function StartRunButton({ run }: { run: Run }) {
  const needed = typeof run.start === "object" && "manual" in run.start ? run.start.manual.role : "developer";
  const may = useMay(needed, run.project);
  const start = useMutation({
    mutationFn: () => startRun(run.id),
    onSuccess: async () => {
      say(`Stage ${run.stage} starts.`);
      await Promise.all(
        [
          ["flow", run.flow],
          ["run", run.id],
        ].map((queryKey) => queryClient.invalidateQueries({ queryKey })),
      );
    },
    onError: notify,
  });
  if (run.state !== "manual") return null;
  if (!may) return <span style={{ color: "var(--text-dim)", fontSize: 13 }}>a {needed} may start it</span>;
  return (
    <Button
      className="nodrag"
      size="compact-xs"
      leftSection={<Icon name="play" size={12} />}
      loading={start.isPending}
      onClick={(event) => {
        event.stopPropagation();
        start.mutate();
      }}
    >
      Start stage
    </Button>
  );
}
