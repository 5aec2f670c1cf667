/** What each project keeps, and what belongs to none, the largest first. */
import { Link } from "@tanstack/react-router";
import { useNow } from "../../parts/clock";
import { RelativeTime } from "../../parts/RelativeTime";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { bytesInWords, counted, figure } from "../../parts/words";
import { kinds } from "../retention/keep";
import { ByProject } from "./ByProject";
import { type StorageRow, shareInWords } from "./shares";
import css from "./StoragePage.module.css";

interface StorageTableProps {
  rows: readonly StorageRow[];
  allBytes: number;
}

/** More rows than are found at a glance. */
const filterBeyond = 8;

const columns: Column<StorageRow>[] = [
  { id: "project", title: "Project", sortBy: (row) => row.project, text: nameOf, cell: (row) => <Name row={row} /> },
  { id: "share", title: "Share", width: "200px", sortBy: (row) => row.bytes, cell: (row) => <Share row={row} /> },
  {
    id: "artifacts",
    title: "Artifacts",
    width: "90px",
    align: "end",
    wideOnly: true,
    sortBy: (row) => row.artifact_bytes,
    cell: (row) => <span title={counted(row.artifacts, "artifact")}>{bytesInWords(row.artifact_bytes)}</span>,
  },
  { id: "logs", title: "Logs", width: "80px", align: "end", wideOnly: true, sortBy: (row) => row.log_bytes, cell: (row) => bytesInWords(row.log_bytes) },
  { id: "flows", title: "Flows", width: "80px", align: "end", wideOnly: true, sortBy: (row) => row.flows, cell: (row) => figure(row.flows) },
  {
    id: "oldest",
    title: "Oldest flow",
    width: "120px",
    align: "end",
    wideOnly: true,
    sortBy: (row) => (row.oldest_flow_at === null ? null : Date.parse(row.oldest_flow_at)),
    cell: (row) => <RelativeTime time={row.oldest_flow_at} />,
  },
  { id: "tests", title: "Test results", width: "110px", align: "end", wideOnly: true, sortBy: (row) => row.test_results, cell: (row) => figure(row.test_results) },
  {
    id: "next",
    title: "Next goes",
    width: "150px",
    align: "end",
    wideOnly: true,
    sortBy: (row) => (row.goesNext === null ? null : Date.parse(row.goesNext.at)),
    cell: (row) => <GoesNext row={row} />,
  },
];

export function StorageTable({ rows, allBytes }: StorageTableProps) {
  return (
    <ByProject legend={<Legend allBytes={allBytes} />}>
      <DataTable label="Storage by project" stacked columns={columns} rows={rows} idOf={(row) => row.project ?? ""} filter={rows.length > filterBeyond} />
    </ByProject>
  );
}

function Legend({ allBytes }: { allBytes: number }) {
  return (
    <p className={css.legend}>
      {bytesInWords(allBytes)} in all: <span className={css.sample} data-of="artifacts" /> artifacts <span className={css.sample} data-of="logs" /> logs
    </p>
  );
}

function nameOf({ project }: StorageRow): string {
  return project ?? "The server";
}

function Name({ row }: { row: StorageRow }) {
  return (
    <div className={css.cell}>
      <div className={css.name}>
        {row.project === null ? (
          <>
            {nameOf(row)}
            <div className={css.note}>logs of agents and services</div>
          </>
        ) : (
          <Link to="/projects/$project" params={{ project: row.project }}>
            {row.project}
          </Link>
        )}
      </div>
      <FiguresInWords row={row} />
    </div>
  );
}

/** In the place of the columns that a narrow page leaves out. */
function FiguresInWords({ row }: { row: StorageRow }) {
  if (row.project === null) return <div className={css.words}>{bytesInWords(row.log_bytes)} of logs of agents and services</div>;
  return (
    <div className={css.words}>
      <span>
        {counted(row.artifacts, "artifact")}, {bytesInWords(row.artifact_bytes)}
      </span>
      <span>{bytesInWords(row.log_bytes)} of logs</span>
      <span>
        {counted(row.flows, "flow")}
        {row.oldest_flow_at === null ? null : <>, the oldest <RelativeTime time={row.oldest_flow_at} /></>}
      </span>
      <span>{counted(row.test_results, "test result")}</span>
      {row.goesNext === null ? null : (
        <span>
          next goes: <GoesNext row={row} />
        </span>
      )}
    </div>
  );
}

/** What has been kept long enough next, and when. */
function GoesNext({ row: { goesNext } }: { row: StorageRow }) {
  const now = useNow(goesNext !== null);
  if (goesNext === null) return <span title="Nothing goes by itself">–</span>;
  const what = kinds.find(({ kind }) => kind === goesNext.kind)?.title.toLowerCase();
  return (
    <>
      {what} {Date.parse(goesNext.at) <= now ? "within the hour" : <RelativeTime time={goesNext.at} />}
    </>
  );
}

function Share({ row }: { row: StorageRow }) {
  const percent = (share: number) => `${share * 100}%`;
  return (
    <div className={css.share} title={`${bytesInWords(row.artifact_bytes)} of artifacts, ${bytesInWords(row.log_bytes)} of logs`}>
      <div className={css.bar} aria-hidden="true">
        {row.artifactShare === 0 ? null : <span className={css.part} data-of="artifacts" style={{ width: percent(row.artifactShare) }} />}
        {row.logShare === 0 ? null : <span className={css.part} data-of="logs" style={{ width: percent(row.logShare) }} />}
      </div>
      <span className={css.percent}>{shareInWords(row.artifactShare + row.logShare)}</span>
    </div>
  );
}
