/** What an admin can do about a person. */
import { Button, Menu, Modal } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { changeUser, signInLinkFor } from "../../api/actions";
import { roles } from "../../api/me";
import { queryClient, usersQuery } from "../../api/queries";
import type { Role, User } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
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
  const askToChange = (role: Role | null, body: Parameters<typeof changeUser>[1]) => {
    if (role === user.role) return;
    confirmFirst({
      title: role === null ? `Take the role of ${user.name} away?` : `Make ${user.name} ${role} in all projects?`,
      text: user.role === null ? "Now there is no role in all projects." : `Now the role in all projects is ${user.role}.`,
      action: role === null ? "Take role away" : "Change role",
      onConfirm: () => change.mutate(body),
    });
  };
  const askToKeepOut = () =>
    confirmFirst({
      title: `Keep ${user.name} out?`,
      text: "Sessions and tokens stop working at once, and signing in is refused until somebody lets them in again.",
      action: "Keep out",
      onConfirm: () => change.mutate({ disabled: true }),
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
              onClick={() => askToChange(role, { role })}
            >
              {role}
            </Menu.Item>
          ))}
          <Menu.Item
            leftSection={<span style={{ width: 16, display: "block" }}>{user.role === null ? <Icon name="check" /> : null}</span>}
            onClick={() => askToChange(null, { no_role: true })}
          >
            none
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<Icon name="link" />} onClick={() => link.mutate()}>
            Make sign-in link
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="stop" />} onClick={() => (user.disabled ? change.mutate({ disabled: false }) : askToKeepOut())}>
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
