/** Whose a dashboard may be: a project's, or the server's and so for all projects. */
import { NativeSelect } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { mayDo } from "../../api/me";
import { meQuery, projectsQuery } from "../../api/queries";

export const ofAllProjects = "all projects";

interface Owner {
  /** A project's name; empty for the server. */
  value: string;
  label: string;
}

/** Those that the person at this page may keep dashboards for. */
export function useOwners(): Owner[] {
  const me = useSuspenseQuery(meQuery).data;
  const projects = useQuery(projectsQuery).data ?? [];
  return [
    ...(mayDo(me, "developer") ? [{ value: "", label: "All projects" }] : []),
    ...projects.filter((one) => mayDo(me, "developer", one.name)).map((one) => ({ value: one.name, label: one.name })),
  ];
}

/** The one that was chosen, where it may be, or the first. */
export function chosen(owners: readonly Owner[], wanted: string | null): string | undefined {
  return (owners.find((owner) => owner.value === wanted) ?? owners[0])?.value;
}

export function OwnerSelect({ owners, value, onChange }: { owners: Owner[]; value: string | undefined; onChange: (owner: string) => void }) {
  return (
    <NativeSelect
      label="Belongs to"
      description="A project's dashboard is seen and changed by its people; one of all projects is seen by everybody."
      data={owners}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
