/** What an admin can do about a person. */
import { Button, Menu, Modal } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { changeUser, signInLinkFor } from "../../api/actions";
import { roles } from "../../api/me";
import { queryClient, usersQuery } from "../../api/queries";
import type { User } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import { Secret } from "./Secret";

export function UserActions({ user }: { user: User }) {
  const change = useMutation({
    mutationFn: (body: Parameters<typeof changeUser>[1]) => changeUser(user.id, body),
    onSuccess: async () => {
      await queryClient.invalidateQueries(usersQuery);
      say(`User ${user.name} is changed.`);
    },
    onError: notify,
  });
  const link = useMutation({ mutationFn: () => signInLinkFor(user.id), onError: notify });
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <Button size="compact-sm" variant="default" rightSection={<Icon name="down" size={14} />} aria-label={`Change user ${user.name}`}>
            Change user
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Role in all projects</Menu.Label>
          {roles.map((role) => (
            <Menu.Item
              key={role}
              leftSection={<span style={{ width: 16, display: "block" }}>{user.role === role ? <Icon name="check" /> : null}</span>}
              onClick={() => change.mutate({ role })}
            >
              {role}
            </Menu.Item>
          ))}
          <Menu.Item
            leftSection={<span style={{ width: 16, display: "block" }}>{user.role === null ? <Icon name="check" /> : null}</span>}
            onClick={() => change.mutate({ no_role: true })}
          >
            none
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<Icon name="link" />} onClick={() => link.mutate()}>
            Make sign-in link
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="stop" />} onClick={() => change.mutate({ disabled: !user.disabled })}>
            {user.disabled ? "Let in again" : "Keep out"}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={link.data !== undefined} onClose={() => link.reset()} title={`Sign-in link for ${user.name}`}>
        {link.data ? <Secret secret={link.data.url} what="The link" /> : null}
      </Modal>
    </>
  );
}
