/** The end of a project. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { deleteProject } from "../../api/actions";
import { projectsQuery, queryClient } from "../../api/queries";
import type { Project } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { notify, say } from "../../parts/notices";
import { Panel } from "../../parts/Panel";
import css from "./ProjectSettingsPage.module.css";

export function DeletePanel({ project }: { project: Project }) {
  const navigate = useNavigate();
  const end = useMutation({
    mutationFn: () => deleteProject(project.name),
    onSuccess: async () => {
      await navigate({ to: "/projects" });
      await queryClient.invalidateQueries(projectsQuery);
      say(`Project ${project.name} is deleted.`);
    },
    onError: notify,
  });
  return (
    <Panel title="Delete">
      <div className={css.line}>
        <p>Deletes the project with its flows, logs, results and artifacts. The repository itself is not touched.</p>
        <Button
          color="red"
          variant="outline"
          loading={end.isPending}
          onClick={() =>
            confirmFirst({
              title: `Delete ${project.name}?`,
              text: "Its flows, logs, results and artifacts will be gone, and nothing brings them back.",
              action: "Delete project",
              typed: project.name,
              onConfirm: () => end.mutate(),
            })
          }
        >
          Delete project
        </Button>
      </div>
    </Panel>
  );
}
