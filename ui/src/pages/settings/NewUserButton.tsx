/** Adds a person. */
import { Button, Modal, NativeSelect, PasswordInput, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { createUser } from "../../api/actions";
import { roles } from "../../api/me";
import { queryClient, usersQuery } from "../../api/queries";
import type { Role } from "../../api/types";
import { Form } from "../../parts/Form";
import { Icon } from "../../parts/Icon";
import { say } from "../../parts/notices";

export function NewUserButton() {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<Icon name="plus" />} onClick={open}>
        Add user
      </Button>
      <Modal opened={opened} onClose={close} title="Add a user" keepMounted={false}>
        <NewUser onDone={close} />
      </Modal>
    </>
  );
}

function NewUser({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role | "">("viewer");
  const [password, setPassword] = useState("");
  const create = useMutation({
    mutationFn: () => createUser({ name, role: role === "" ? null : role, password: password === "" ? null : password }),
    onSuccess: async () => {
      await queryClient.invalidateQueries(usersQuery);
      say(`User ${name} is added.`);
      onDone();
    },
  });
  return (
    <Form
      onSubmit={() => create.mutate()}
      error={create.error}
      buttons={
        <Button type="submit" loading={create.isPending}>
          Add user
        </Button>
      }
    >
      <TextInput label="Name" required data-autofocus autoComplete="off" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <NativeSelect
        label="Role in all projects"
        data={[{ value: "", label: "none: only roles in single projects" }, ...roles]}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value as Role | "")}
      />
      <PasswordInput
        label="Password"
        description="At least 10 characters. Without one they sign in by a link that you make for them."
        minLength={10}
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </Form>
  );
}
