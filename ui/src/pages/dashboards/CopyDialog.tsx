/** Asks what a copy of a dashboard is called and whose it is, and saves it. */
import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createDashboard, type DashboardJson } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { Form } from "../../parts/Form";
import { say } from "../../parts/notices";
import { copyOf } from "./copyOf";
import { chosen, OwnerSelect, useOwners } from "./owners";

export function CopyDialog({ dashboard, title, project, onClose }: { dashboard: DashboardJson; title: string; project: string | null; onClose: () => void }) {
  const owners = useOwners();
  const [wanted, setWanted] = useState(project ?? "");
  const [name, setName] = useState(`${title}, copy`);
  const owner = chosen(owners, wanted);
  const navigate = useNavigate();
  const copy = useMutation({
    mutationFn: () => createDashboard(copyOf(dashboard, name.trim()), owner === "" ? undefined : owner),
    onSuccess: async (saved) => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      say(`${saved.title} is saved.`);
      onClose();
      await navigate({ to: "/dashboards/$uid", params: { uid: saved.uid } });
    },
  });
  return (
    <Modal opened onClose={onClose} title="Save a copy">
      <Form
        onSubmit={() => copy.mutate()}
        error={copy.error}
        buttons={
          <>
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button type="submit" loading={copy.isPending} disabled={owner === undefined || name.trim() === ""}>
              Save a copy
            </Button>
          </>
        }
      >
        <TextInput label="Title" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <OwnerSelect owners={owners} value={owner} onChange={setWanted} />
      </Form>
    </Modal>
  );
}
