/** Makes a token and shows its secret once. */
import { Button, Checkbox, Modal, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { createToken } from "../../api/actions";
import { mayDo, roles } from "../../api/me";
import { meQuery, projectsQuery, queryClient, tokensQuery } from "../../api/queries";
import type { Role } from "../../api/types";
import { Form } from "../../parts/Form";
import { Icon } from "../../parts/Icon";
import { Secret } from "./Secret";

const secondsOfDay = 86_400;

export function NewTokenButton() {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<Icon name="plus" />} onClick={open}>
        Create token
      </Button>
      <Modal opened={opened} onClose={close} title="Create a token" keepMounted={false}>
        <NewToken />
      </Modal>
    </>
  );
}

function NewToken() {
  const { data: me } = useSuspenseQuery(meQuery);
  const projects = useQuery(projectsQuery);
  const [kind, setKind] = useState<"api" | "join">("api");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [project, setProject] = useState("");
  const [groups, setGroups] = useState("");
  const [canCreateTokens, setCanCreateTokens] = useState(false);
  const [days, setDays] = useState<number | string>(90);
  const create = useMutation({
    mutationFn: () =>
      createToken({
        kind,
        name,
        expires_in_seconds: Number(days) * secondsOfDay,
        ...(kind === "api"
          ? { role, can_create_tokens: canCreateTokens, ...(project === "" ? {} : { project }) }
          : { groups: groups.split(/[\s,]+/).filter((group) => group !== "") }),
      }),
    onSuccess: () => queryClient.invalidateQueries(tokensQuery),
  });
  if (create.data) return <Secret secret={create.data.token} what="The token" />;
  return (
    <Form
      onSubmit={() => create.mutate()}
      error={create.error}
      buttons={
        <Button type="submit" loading={create.isPending}>
          Create token
        </Button>
      }
    >
      <NativeSelect
        label="It lets in"
        data={[
          { value: "api", label: "A program, to the API" },
          ...(mayDo(me, "admin") ? [{ value: "join", label: "Agents" }] : []),
        ]}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value === "join" ? "join" : "api")}
      />
      <TextInput label="What it is for" data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
      {kind === "api" ? (
        <>
          <NativeSelect
            label="The most it may do"
            data={roles.filter((one) => mayDo(me, one, project === "" ? undefined : project))}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as Role)}
          />
          <NativeSelect
            label="Project"
            data={[{ value: "", label: "All that you may see" }, ...(projects.data ?? []).map((one) => one.name)]}
            value={project}
            onChange={(event) => setProject(event.currentTarget.value)}
          />
          <Checkbox
            label="It may make other tokens"
            description="They may do no more than it, and end with it."
            checked={canCreateTokens}
            onChange={(event) => setCanCreateTokens(event.currentTarget.checked)}
          />
        </>
      ) : (
        <TextInput
          label="Groups"
          description="The only groups that these agents may be in; empty for any."
          value={groups}
          onChange={(event) => setGroups(event.currentTarget.value)}
        />
      )}
      <NumberInput label="Works for, in days" min={1} max={3650} value={days} onChange={setDays} />
    </Form>
  );
}
