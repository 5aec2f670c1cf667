/** What the repository asks for. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { removeCredential, setCredential } from "../../api/actions";
import { projectQuery, queryClient } from "../../api/queries";
import type { Credential, Project } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { Form } from "../../parts/Form";
import { notify, say } from "../../parts/notices";
import { Panel } from "../../parts/Panel";
import { CredentialFields, credentialOf, useCredentialDraft } from "./CredentialFields";

export function CredentialPanel({ project }: { project: Project }) {
  const { draft, setDraft, clear } = useCredentialDraft();
  const credential = credentialOf(draft);
  const reread = () => queryClient.invalidateQueries(projectQuery(project.name));
  const save = useMutation({
    mutationFn: (body: Credential) => setCredential(project.name, body),
    onSuccess: async () => {
      clear();
      await reread();
      say("The credential is stored.");
    },
  });
  const drop = useMutation({
    mutationFn: () => removeCredential(project.name),
    onSuccess: async () => {
      await reread();
      say("The credential is removed.");
    },
    onError: notify,
  });
  return (
    <Panel title="Credential" aside={project.has_credential ? "one is stored" : "none is stored"}>
      <Form
        onSubmit={() => {
          if (credential) save.mutate(credential);
        }}
        error={save.error}
        buttons={
          <>
            <Button type="submit" disabled={credential === null} loading={save.isPending}>
              Store credential
            </Button>
            {project.has_credential ? (
              <Button
                variant="default"
                loading={drop.isPending}
                onClick={() =>
                  confirmFirst({
                    title: "Remove the credential?",
                    text: "Keirin can then fetch only what the repository gives to everybody.",
                    action: "Remove credential",
                    onConfirm: () => drop.mutate(),
                  })
                }
              >
                Remove credential
              </Button>
            ) : null}
          </>
        }
      >
        <CredentialFields draft={draft} onChange={setDraft} />
      </Form>
    </Panel>
  );
}
