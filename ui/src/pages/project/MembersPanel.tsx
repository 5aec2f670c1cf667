/** Who has a role in this project beside those who have one in all. */
import { Button, NativeSelect } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { removeMember, setMember } from "../../api/actions";
import { roles, useMay } from "../../api/me";
import { membersQuery, queryClient, usersQuery } from "../../api/queries";
import type { Member, Project, Role } from "../../api/types";
import { confirmFirst } from "../../parts/confirm";
import { Loaded } from "../../parts/Loaded";
import { notify } from "../../parts/notices";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import css from "./ProjectSettingsPage.module.css";

/** An admin's role holds everywhere, so it is not given for one project. */
const given = roles.filter((role) => role !== "admin");

export function MembersPanel({ project }: { project: Project }) {
  const answer = useQuery(membersQuery(project.name));
  const mayList = useMay("admin");
  return (
    <Panel title="People with a role here" flush>
      <Loaded answer={answer} skeleton={<SkeletonRows rows={2} />}>
        {(members) => (
          <>
            {members.length === 0 ? <p className={css.note}>Nobody beside those who have a role in all projects.</p> : null}
            {members.map((member) => (
              <MemberLine key={member.user} project={project.name} member={member} />
            ))}
            {mayList ? <AddMember project={project.name} members={members} /> : null}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function useMembership(project: string) {
  const onSuccess = () => queryClient.invalidateQueries(membersQuery(project));
  const set = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) => setMember(project, user, role),
    onSuccess,
    onError: notify,
  });
  const drop = useMutation({ mutationFn: (user: string) => removeMember(project, user), onSuccess, onError: notify });
  return { set, drop };
}

function MemberLine({ project, member }: { project: string; member: Member }) {
  const { set, drop } = useMembership(project);
  const askToChange = (role: Role) =>
    confirmFirst({
      title: `Make ${member.name} a ${role}?`,
      text: `In ${project} the role is now ${member.role}.`,
      action: "Change role",
      onConfirm: () => set.mutate({ user: member.user, role }),
    });
  const askToDrop = () =>
    confirmFirst({
      title: `Take the role of ${member.name} away?`,
      text: `The role in ${project} is ${member.role}. Only a role in all projects is left, where there is one.`,
      action: "Take role away",
      onConfirm: () => drop.mutate(member.user),
    });
  return (
    <div className={css.member}>
      <span>{member.name}</span>
      <NativeSelect
        aria-label={`Role of ${member.name}`}
        data={given}
        value={member.role}
        onChange={(event) => {
          const role = given.find((one) => one === event.currentTarget.value);
          if (role !== undefined && role !== member.role) askToChange(role);
        }}
      />
      <Button variant="default" onClick={askToDrop} loading={drop.isPending}>
        Take role away
      </Button>
    </div>
  );
}

function AddMember({ project, members }: { project: string; members: readonly Member[] }) {
  const users = useQuery(usersQuery);
  const { set } = useMembership(project);
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const free = (users.data ?? []).filter((one) => !members.some((member) => member.user === one.id));
  if (free.length === 0) return null;
  return (
    <form
      className={css.add}
      onSubmit={(event) => {
        event.preventDefault();
        if (user !== "") set.mutate({ user, role }, { onSuccess: () => setUser("") });
      }}
    >
      <NativeSelect
        label="Person"
        data={[{ value: "", label: "Choose a person" }, ...free.map((one) => ({ value: one.id, label: one.name }))]}
        value={user}
        onChange={(event) => setUser(event.currentTarget.value)}
      />
      <NativeSelect label="Role" data={given} value={role} onChange={(event) => setRole(given.find((one) => one === event.currentTarget.value) ?? role)} />
      <Button type="submit" disabled={user === ""} loading={set.isPending}>
        Give role
      </Button>
    </form>
  );
}
