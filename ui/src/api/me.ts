/** What the person at this page may do; the server has the last word. */
import { useSuspenseQuery } from "@tanstack/react-query";
import { meQuery } from "./queries";
import type { Me, Role } from "./types";

export const roles: readonly Role[] = ["viewer", "developer", "maintainer", "admin"];

export function reaches(held: Role | null | undefined, needed: Role): boolean {
  return held != null && roles.indexOf(held) >= roles.indexOf(needed);
}

/** The higher of the role in all projects and the role in this one. */
export function mayDo(me: Me, needed: Role, project?: string): boolean {
  const here = me.projects.find((one) => one.project === project)?.role;
  return reaches(me.role, needed) || reaches(here, needed);
}

export function useMay(needed: Role, project?: string): boolean {
  return mayDo(useSuspenseQuery(meQuery).data, needed, project);
}
