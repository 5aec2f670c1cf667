/** Which groups are open: what somebody said, else what matters most. */
import { useMemo, useState } from "react";
import type { Job } from "../api/types";
import { type Group, openAtFirst } from "./groups";

export interface OpenGroups {
  isOpen: (group: Group) => boolean;
  toggle: (group: Group) => void;
  open: (group: Group) => void;
  /** What is open stays so, whatever becomes of it. */
  keepOpen: () => void;
}

export function useOpenGroups(job: Job, groups: readonly Group[]): OpenGroups {
  const [said, setSaid] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [watched] = useState(() => job.state !== "finished");
  const auto = useMemo(() => {
    const open = new Set(openAtFirst(groups));
    // Who watches a job does not want its last lines to close at the moment it ends.
    const latest = groups.findLast((group) => group.last >= group.first);
    if (watched && latest) open.add(latest.key);
    return open;
  }, [groups, watched]);
  const isOpen = (group: Group) => said.get(group.key) ?? auto.has(group.key);
  const set = (keys: Iterable<[string, boolean]>) => setSaid((before) => new Map([...before, ...keys]));
  return {
    isOpen,
    toggle: (group) => set([[group.key, !isOpen(group)]]),
    open: (group) => set([[group.key, true]]),
    keepOpen: () => set(groups.filter(isOpen).map((group) => [group.key, true])),
  };
}
