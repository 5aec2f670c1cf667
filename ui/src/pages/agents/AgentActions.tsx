/** What an admin can do about an agent. */
import { Button, Menu, Modal, NumberInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { changeAgent, deleteAgent } from "../../api/actions";
import { useMay } from "../../api/me";
import { agentsQuery, queryClient } from "../../api/queries";
import type { Agent } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { Form } from "../../parts/Form";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import css from "./AgentsPage.module.css";

export function AgentActions({ agent }: { agent: Agent }) {
  const may = useMay("admin");
  const [slotsOpen, { open: openSlots, close: closeSlots }] = useDisclosure(false);
  const [slots, setSlots] = useState<number | string>(agent.slots);
  const done = (text: string) => async () => {
    await queryClient.invalidateQueries(agentsQuery);
    say(text);
  };
  const change = useMutation({
    mutationFn: (body: Parameters<typeof changeAgent>[1]) => changeAgent(agent.id, body),
    onSuccess: done(`Agent ${agent.name} is changed.`),
    onError: notify,
  });
  const forget = useMutation({
    mutationFn: () => deleteAgent(agent.id),
    onSuccess: done(`Agent ${agent.name} is forgotten.`),
    onError: notify,
  });
  const askToDisable = () =>
    confirmFirst({
      title: `Disable ${agent.name}?`,
      text: "It finishes what it runs and takes no further job until somebody enables it again.",
      action: "Disable agent",
      onConfirm: () => change.mutate({ disabled: true }),
    });
  const askToForget = () =>
    confirmFirst({
      title: `Forget ${agent.name}?`,
      text: "Its entry and its right to connect are gone. To come back it has to register and be authorised again.",
      action: "Forget agent",
      onConfirm: () => forget.mutate(),
    });
  if (!may) return null;
  return (
    <div className={css.actions}>
      {agent.state === "unauthorised" ? (
        <Button size="compact-sm" onClick={() => change.mutate({ authorised: true })} loading={change.isPending}>
          Authorise agent
        </Button>
      ) : (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => (agent.state === "disabled" ? change.mutate({ disabled: false }) : askToDisable())}
          loading={change.isPending}
        >
          {agent.state === "disabled" ? "Enable agent" : "Disable agent"}
        </Button>
      )}
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <Button size="compact-sm" variant="default" px={6} aria-label={`More for ${agent.name}`}>
            <Icon name="down" size={14} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={openSlots}>Set slots</Menu.Item>
          <Menu.Divider />
          <Menu.Item color="var(--state-failed)" disabled={agent.state === "online"} onClick={askToForget}>
            Forget agent
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={slotsOpen} onClose={closeSlots} title={`Slots of ${agent.name}`}>
        <Form
          onSubmit={() => change.mutate({ slots: Number(slots) }, { onSuccess: closeSlots })}
          error={change.error}
          buttons={
            <Button type="submit" loading={change.isPending}>
              Set slots
            </Button>
          }
        >
          <NumberInput
            label="How many jobs it runs at once"
            min={1}
            max={256}
            value={slots}
            onChange={setSlots}
            data-autofocus
          />
        </Form>
      </Modal>
    </div>
  );
}
