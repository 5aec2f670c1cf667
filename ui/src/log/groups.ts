/** A log's lines by the step that wrote them. */
import type { Job, Step } from "../api/types";
import { type StateName, isBad, stateOf } from "../parts/states";
import type { Mark } from "./LineStore";

export interface Group {
  key: string;
  title: string;
  state: StateName;
  /** The step; absent for what the agent itself says before the first one. */
  step: Step | undefined;
  /** The number of its first line, from 1; beyond `last` where it has none. */
  first: number;
  last: number;
}

/** Groups in the order of the lines; steps that have written nothing follow in the order of the plan. */
export function groupsOf(job: Job, marks: readonly Mark[], total: number): Group[] {
  const groups: Group[] = [];
  const before = (marks[0]?.line ?? total + 1) - 1;
  if (before > 0) {
    groups.push({ key: "agent", title: "Preparation", state: preparation(job, marks), step: undefined, first: 1, last: before });
  }
  marks.forEach((mark, place) => {
    const step = job.steps.find((one) => one.index === mark.index);
    const last = (marks[place + 1]?.line ?? total + 1) - 1;
    groups.push({ ...headOf(step, mark.index), key: `${mark.index} ${mark.line}`, first: mark.line, last });
  });
  const written = new Set(marks.map((mark) => mark.index));
  for (const step of job.steps) {
    if (!written.has(step.index)) groups.push({ ...headOf(step, step.index), key: `${step.index}`, first: total + 1, last: total });
  }
  return groups;
}

function headOf(step: Step | undefined, index: number): Pick<Group, "title" | "state" | "step"> {
  if (step === undefined) return { title: `Step ${index + 1}`, state: "no_data", step };
  return { title: step.name, state: stateOf(step), step };
}

/** What comes before the first step has no outcome of its own: it went well if a step began. */
function preparation(job: Job, marks: readonly Mark[]): StateName {
  if (marks.length > 0) return "success";
  return job.state === "finished" ? stateOf(job) : "running";
}

/** Which groups are open when nobody has said: the first that went wrong, and what runs. */
export function openAtFirst(groups: readonly Group[]): ReadonlySet<string> {
  const withLines = groups.filter((group) => group.last >= group.first);
  if (withLines.length === 1) return new Set(withLines.map((group) => group.key));
  const open = new Set(withLines.filter((group) => group.state === "running").map((group) => group.key));
  const wrong = withLines.find((group) => isBad(group.state));
  if (wrong) open.add(wrong.key);
  return open;
}

/** The group that holds a line. */
export function groupOfLine(groups: readonly Group[], line: number): Group | undefined {
  return groups.find((group) => line >= group.first && line <= group.last);
}
