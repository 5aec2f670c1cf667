/** What an admin can do about an agent. */
import { Button, Menu, NumberInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { changeAgent, deleteAgent } from "../../api/actions";
import { useMay } from "../../api/me";
import { agentsQuery, queryClient } from "../../api/queries";
import type { Agent } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import css from "./AgentsPage.module.css";

export function AgentActions({ agent }: { agent: Agent }) {
  const may = useMay("admin");
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
          onClick={() => change.mutate({ disabled: agent.state !== "disabled" })}
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
          <form
            style={{ display: "flex", gap: 8, alignItems: "flex-end", padding: 8 }}
            onSubmit={(event) => {
              event.preventDefault();
              change.mutate({ slots: Number(slots) });
            }}
          >
            <NumberInput label="Slots" min={1} max={256} value={slots} onChange={setSlots} />
            <Button type="submit" variant="default">
              Set slots
            </Button>
          </form>
          <Menu.Divider />
          <Menu.Item color="var(--state-failed)" disabled={agent.state === "online"} onClick={() => forget.mutate()}>
            Forget agent
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
