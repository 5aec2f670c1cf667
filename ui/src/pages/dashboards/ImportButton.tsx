/** Takes a Grafana dashboard in, from a file or as text. */
import { Button, Modal, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createDashboard } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { readText } from "../../dashboard/check";
import { record } from "../../dashboard/json";
import { Form } from "../../parts/Form";
import { Icon } from "../../parts/Icon";
import { chosen, OwnerSelect, useOwners } from "./owners";
import css from "./dashboards.module.css";

export function ImportButton() {
  const [opened, { open, close }] = useDisclosure(false);
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const owners = useOwners();
  const [wanted, setWanted] = useState<string | null>(null);
  const owner = chosen(owners, wanted);
  const checked = readText(text);
  const bring = useMutation({
    // What Grafana exports by its API holds the dashboard inside.
    mutationFn: async () => createDashboard("dashboard" in (checked.dashboard ?? {}) ? record(checked.dashboard?.dashboard) : (checked.dashboard ?? {}), owner === "" ? undefined : owner),
    onSuccess: async ({ uid }) => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      close();
      setText("");
      await navigate({ to: "/dashboards/$uid", params: { uid } });
    },
  });
  if (owner === undefined) return null;
  const fault = text.trim() === "" ? undefined : checked.faults[0];
  return (
    <>
      <Button leftSection={<Icon name="upload" />} onClick={open}>
        Import dashboard
      </Button>
      <Modal opened={opened} onClose={close} title="Import dashboard" size="lg">
        <Form
          onSubmit={() => bring.mutate()}
          error={bring.error}
          buttons={
            <>
              <Button variant="default" onClick={close}>
                Close
              </Button>
              <Button type="submit" loading={bring.isPending} disabled={checked.dashboard === null}>
                Import dashboard
              </Button>
            </>
          }
        >
          {owners.length > 1 ? <OwnerSelect owners={owners} value={owner} onChange={setWanted} /> : null}
          <label className={css.file}>
            <span>Choose a JSON file</span>
            <input
              type="file"
              accept=".json,application/json"
              onChange={(event) => {
                const [file] = event.currentTarget.files ?? [];
                if (file) void file.text().then(setText);
              }}
            />
          </label>
          <Textarea
            label="Or paste its JSON"
            autosize={false}
            rows={12}
            value={text}
            spellCheck={false}
            error={fault === undefined ? undefined : `Line ${fault.line}: ${fault.message}`}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </Form>
      </Modal>
    </>
  );
}
