/** Commits, branches, people and agents in short, with a link where there is a page about them. */
import { Link } from "@tanstack/react-router";
import type { Cause, FlowSummary } from "../api/types";
import css from "./chips.module.css";
import { copyText } from "./copy";
import { Icon } from "./Icon";
import { shortCommit } from "./words";

export function CommitChip({ commit }: { commit: string | null }) {
  if (commit === null) return null;
  return (
    <button type="button" className={css.chip} title={`${commit}: copy`} onClick={() => void copyText(commit, "The commit's id")}>
      <Icon name="commit" size={14} />
      <code>{shortCommit(commit)}</code>
    </button>
  );
}

export function BranchChip({ project, branch }: { project: string; branch: string }) {
  return (
    <Link to="/projects/$project/branches/$branch" params={{ project, branch }} className={css.chip} title={branch}>
      <Icon name="branch" size={14} />
      <span className={css.text}>{branch}</span>
    </Link>
  );
}

export function AgentChip({ agent }: { agent: string }) {
  return (
    <Link to="/agents" search={{ filter: agent }} className={css.chip}>
      <Icon name="agents" size={14} />
      <span className={css.text}>{agent}</span>
    </Link>
  );
}

export function PersonChip({ name }: { name: string }) {
  return (
    <span className={css.chip}>
      <Icon name="users" size={14} />
      <span className={css.text}>{name}</span>
    </span>
  );
}

/** A word beside others, such as a label of an agent. */
export function Tag({ children }: { children: string }) {
  return <span className={css.tag}>{children}</span>;
}

/** Why something started, in a few words. */
export function CauseText({ cause }: { cause: Cause }) {
  switch (cause.kind) {
    case "person":
      return <>started by {cause.name}</>;
    case "push":
      return <>new commit</>;
    case "schedule":
      return <>schedule</>;
    case "newer_flow":
      return (
        <>
          newer <Link to="/flows/$flow" params={{ flow: cause.flow }}>flow</Link>
        </>
      );
    case "here":
      return <>command line</>;
  }
}

/** What a flow is for, in a line: the change's title, else the commit. */
export function flowSubject(flow: Pick<FlowSummary, "change" | "commit" | "branch">): string {
  if (flow.change?.title != null && flow.change.title !== "") return flow.change.title;
  if (flow.change) return `${flow.change.head} into ${flow.change.base ?? flow.branch}`;
  return flow.commit === null ? flow.branch : `${flow.branch} at ${shortCommit(flow.commit)}`;
}
