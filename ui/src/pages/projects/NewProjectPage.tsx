/** Adds a repository as a project. */
import { LinkButton } from "../../parts/LinkButton";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createProject } from "../../api/actions";
import { projectsQuery, queryClient } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { Form } from "../../parts/Form";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { CredentialFields, credentialOf, useCredentialDraft } from "../project/CredentialFields";
import css from "./NewProjectPage.module.css";

export function NewProjectPage() {
  useCrumbs([{ label: "Projects", to: "/projects" }, { label: "New project" }]);
  const navigate = useNavigate();
  const [repository, setRepository] = useState("");
  const [name, setName] = useState<string | null>(null);
  const [workflowFile, setWorkflowFile] = useState("");
  const [isPublic, setPublic] = useState(false);
  const credential = useCredentialDraft();
  const shownName = name ?? nameFrom(repository);

  const create = useMutation({
    mutationFn: () =>
      createProject({
        name: shownName,
        repository: repository.trim(),
        workflow_file: workflowFile.trim() || null,
        public: isPublic,
        credential: credentialOf(credential.draft),
      }),
    onSuccess: async (project) => {
      await queryClient.invalidateQueries(projectsQuery);
      await navigate({ to: "/projects/$project", params: { project: project.name } });
    },
  });

  return (
    <Page width="form">
      <PageHead title="Add your repository" facts="Keirin fetches it, reads its workflow file and runs what it says." />
      <Panel>
        <Form
          onSubmit={() => create.mutate()}
          error={create.error}
          buttons={
            <>
              <Button type="submit" loading={create.isPending}>
                Create project
              </Button>
              <LinkButton variant="default" to="/projects">
                Leave
              </LinkButton>
            </>
          }
        >
          <TextInput
            label="Repository"
            description="A URL that git can fetch from. An admin may also give a path on the server."
            placeholder="https://git.example.org/team/thing.git"
            required
            data-autofocus
            value={repository}
            onChange={(event) => setRepository(event.currentTarget.value)}
          />
          <TextInput
            label="Name"
            description="Letters, digits, dot, underscore and hyphen. It stands in addresses."
            required
            value={shownName}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="Workflow file"
            description="Only where it is not .keirin.yaml or in the folder .keirin."
            placeholder=".keirin.yaml"
            value={workflowFile}
            onChange={(event) => setWorkflowFile(event.currentTarget.value)}
          />
          <details>
            <summary className={css.summary}>For a private repository</summary>
            <div className={css.fields}>
              <CredentialFields draft={credential.draft} onChange={credential.setDraft} />
            </div>
          </details>
          <Checkbox
            label="Public: people who are not signed in may look at it"
            checked={isPublic}
            onChange={(event) => setPublic(event.currentTarget.checked)}
          />
        </Form>
      </Panel>
    </Page>
  );
}

/** What a repository is called by the last part of its address. */
export function nameFrom(repository: string): string {
  const last = repository.trim().replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
  return last
    .replace(/\.git$/, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 100);
}
