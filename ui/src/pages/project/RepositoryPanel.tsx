/** Where a project's code is, and who may look. */
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { changeProject } from "../../api/actions";
import { projectQuery, queryClient } from "../../api/queries";
import type { Project } from "../../api/types";
import { Form } from "../../parts/Form";
import { say } from "../../parts/notices";
import { Panel } from "../../parts/Panel";

export function RepositoryPanel({ project }: { project: Project }) {
  const [repository, setRepository] = useState(project.repository);
  const [workflowFile, setWorkflowFile] = useState(project.workflow_file ?? "");
  const [isPublic, setPublic] = useState(project.public);
  const moved = repository !== project.repository;
  const save = useMutation({
    mutationFn: () =>
      changeProject(project.name, {
        ...(moved ? { repository: repository.trim() } : {}),
        workflow_file: workflowFile.trim(),
        public: isPublic,
      }),
    onSuccess: async () => {
      await queryClient.invalidateQueries(projectQuery(project.name));
      say("The project is saved.");
    },
  });
  return (
    <Panel title="Repository">
      <Form
        onSubmit={() => save.mutate()}
        error={save.error}
        buttons={
          <Button type="submit" loading={save.isPending}>
            Save project
          </Button>
        }
      >
        <TextInput
          label="Repository"
          description={moved && project.has_credential ? "The stored credential is dropped with the old address." : "URL, or a path on the server."}
          required
          value={repository}
          onChange={(event) => setRepository(event.currentTarget.value)}
        />
        <TextInput
          label="Workflow file"
          description="Only where it is not .keirin.yaml or in the folder .keirin."
          placeholder=".keirin.yaml"
          value={workflowFile}
          onChange={(event) => setWorkflowFile(event.currentTarget.value)}
        />
        <Checkbox
          label="Public: people who are not signed in may look at it"
          checked={isPublic}
          onChange={(event) => setPublic(event.currentTarget.checked)}
        />
      </Form>
    </Panel>
  );
}
