/** Changes, each with who asked for it and what became of it. */
import { Link } from "@tanstack/react-router";
import type { AuditEntry } from "../../api/types";
import { EmptyPage } from "../../parts/EmptyPage";
import { LinkButton } from "../../parts/LinkButton";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { State } from "../../parts/State";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import css from "./Audit.module.css";
import { detailsOf, outcomeShapes, whoOf } from "./entries";

interface AuditTableProps {
  entries: readonly AuditEntry[];
  /** Whether there may be others that are not asked for. */
  isFiltered: boolean;
}

export function AuditTable({ entries, isFiltered }: AuditTableProps) {
  return (
    <DataTable
      label="Changes"
      stacked
      columns={columns}
      rows={entries}
      idOf={(entry) => entry.id}
      filter={false}
      empty={
        <Panel>
          <NoChanges isFiltered={isFiltered} />
        </Panel>
      }
    />
  );
}

const columns: Column<AuditEntry>[] = [
  {
    id: "what",
    title: "What",
    cell: (entry) => (
      <div className={css.what}>
        <div className={css.summary}>{entry.summary}</div>
        <About entry={entry} />
      </div>
    ),
  },
  { id: "who", title: "Who", width: "190px", cell: (entry) => <Who entry={entry} /> },
  { id: "at", title: "When", width: "140px", cell: (entry) => <RelativeTime time={entry.at} /> },
  { id: "from", title: "From", width: "150px", cell: (entry) => <span className={css.dim}>{entry.address ?? "this machine"}</span> },
  { id: "outcome", title: "Outcome", width: "130px", cell: (entry) => <Outcome entry={entry} /> },
];

function Who({ entry }: { entry: AuditEntry }) {
  const { name, note } = whoOf(entry);
  const by = entry.by.name;
  return (
    <div>
      {by === null ? (
        name
      ) : (
        <Link to="/settings/audit-log" search={(previous) => ({ ...previous, by })}>
          {name}
        </Link>
      )}
      {note === null ? null : <div className={css.dim}>{note}</div>}
    </div>
  );
}

function About({ entry }: { entry: AuditEntry }) {
  const { project } = entry;
  const details = detailsOf(entry).join(", ");
  return (
    <div className={css.dim}>
      {project === null ? null : (
        <Link to="/settings/audit-log" search={(previous) => ({ ...previous, project })}>
          {project}
        </Link>
      )}
      {project === null || details === "" ? null : ", "}
      {details}
    </div>
  );
}

function Outcome({ entry: { outcome, status } }: { entry: AuditEntry }) {
  const { state, word } = outcomeShapes[outcome];
  const isBad = outcome === "refused" || outcome === "failed";
  return (
    <div className={css.outcome}>
      <State word state={state} label={isBad && status !== null ? `${word} (${status})` : word} />
    </div>
  );
}

function NoChanges({ isFiltered }: { isFiltered: boolean }) {
  if (!isFiltered) return <EmptyPage title="Nobody has changed anything yet">Each call that changes something stands here, from the moment it is asked for.</EmptyPage>;
  return (
    <EmptyPage
      title="No such change"
      action={
        <LinkButton to="/settings/audit-log" variant="default">
          Show all changes
        </LinkButton>
      }
    >
      Nobody has asked for a change of this kind in the time that the log keeps.
    </EmptyPage>
  );
}
