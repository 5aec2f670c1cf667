/** What one can do with a dashboard besides looking at it. */
import { Button, Menu, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { createDashboard, deleteDashboard, type StoredDashboard } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { writeText } from "../../dashboard/check";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import { copyOf } from "./copyOf";

export function DashboardActions({ stored, onEdit }: { stored: StoredDashboard; onEdit: () => void }) {
  const navigate = useNavigate();
  const [asking, { open, close }] = useDisclosure(false);
  const copy = useMutation({
    mutationFn: () => createDashboard(copyOf(stored)),
    onSuccess: async ({ uid, title }) => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      say(`${title} is saved.`);
      await navigate({ to: "/dashboards/$uid", params: { uid } });
    },
    onError: notify,
  });
  const remove = useMutation({
    mutationFn: () => deleteDashboard(stored.uid),
    onSuccess: async () => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      say(`${stored.title} is deleted.`);
      await navigate({ to: "/dashboards" });
    },
    onError: notify,
  });
  return (
    <>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="down" size={14} />}>
            Dashboard
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="file" />} onClick={onEdit}>
            {stored.provided ? "Read as JSON" : "Edit as JSON"}
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="copy" />} onClick={() => copy.mutate()}>
            Save a copy
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="download" />} onClick={() => download(stored)}>
            Export as JSON
          </Menu.Item>
          {stored.provided ? null : (
            <Menu.Item leftSection={<Icon name="cross" />} color="red" onClick={open}>
              Delete dashboard
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={asking} onClose={close} title={`Delete ${stored.title}`}>
        <p>It cannot be brought back. Export it first if it may be wanted again.</p>
        <div style={{ display: "flex", justifyContent: "flex-end", gap: 8, marginTop: 20 }}>
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete dashboard
          </Button>
        </div>
      </Modal>
    </>
  );
}

function download(stored: StoredDashboard): void {
  const address = URL.createObjectURL(new Blob([writeText(stored.dashboard)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${stored.title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "dashboard"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
