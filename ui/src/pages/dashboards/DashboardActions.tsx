/** What one can do with a dashboard besides looking at it. */
import { Button, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { deleteDashboard, type StoredDashboard } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { writeText } from "../../dashboard/check";
import { confirmFirst } from "../../parts/confirm";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import { CopyDialog } from "./CopyDialog";
import { useOwners } from "./owners";
import { useReadOnly } from "./useReadOnly";

export function DashboardActions({ stored, onEdit }: { stored: StoredDashboard; onEdit: () => void }) {
  const navigate = useNavigate();
  const [copying, { open: openCopy, close: closeCopy }] = useDisclosure(false);
  const readOnly = useReadOnly(stored);
  const mayCopy = useOwners().length > 0;
  const remove = useMutation({
    mutationFn: () => deleteDashboard(stored.uid),
    onSuccess: async () => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      say(`${stored.title} is deleted.`);
      await navigate({ to: "/dashboards" });
    },
    onError: notify,
  });
  const askToDelete = () =>
    confirmFirst({
      title: `Delete ${stored.title}?`,
      text: "It cannot be brought back. Export it first if it may be wanted again.",
      action: "Delete dashboard",
      onConfirm: () => remove.mutate(),
    });
  return (
    <>
    {copying ? <CopyDialog {...stored} onClose={closeCopy} /> : null}
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button variant="default" rightSection={<Icon name="down" size={14} />}>
          Dashboard
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="file" />} onClick={onEdit}>
          {readOnly ? "Read as JSON" : "Edit as JSON"}
        </Menu.Item>
        {mayCopy ? (
          <Menu.Item leftSection={<Icon name="copy" />} onClick={openCopy}>
            Save a copy
          </Menu.Item>
        ) : null}
        <Menu.Item leftSection={<Icon name="download" />} onClick={() => download(stored)}>
          Export as JSON
        </Menu.Item>
        {readOnly ? null : (
          <Menu.Item leftSection={<Icon name="cross" />} color="red" onClick={askToDelete}>
            Delete dashboard
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
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
