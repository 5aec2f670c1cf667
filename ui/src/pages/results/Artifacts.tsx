/** Files that jobs left. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { artifactUrl } from "../../api/actions";
import { artifactsQuery, type LeftBy } from "../../api/queries";
import type { Artifact, FlowRetention } from "../../api/types";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { bytesInWords } from "../../parts/words";
import { removedAt } from "../retention/keep";
import { Removed } from "../retention/Removed";

const columns: Column<Artifact>[] = [
  {
    id: "path",
    title: "File",
    sortBy: (artifact) => artifact.path,
    text: (artifact) => `${artifact.path} ${artifact.job_name}`,
    cell: (artifact) => (
      <a href={artifactUrl(artifact.id)} download style={{ display: "inline-flex", gap: 8, alignItems: "center", overflowWrap: "anywhere" }}>
        <Icon name="download" />
        {artifact.path}
      </a>
    ),
  },
  {
    id: "job",
    title: "Job",
    width: "220px",
    wideOnly: true,
    sortBy: (artifact) => `${artifact.stage} ${artifact.job_name}`,
    cell: (artifact) => (
      <Link to="/jobs/$job" params={{ job: artifact.job }}>
        {artifact.stage} / {artifact.job_name}
      </Link>
    ),
  },
  {
    id: "sha256",
    title: "SHA-256",
    width: "120px",
    wideOnly: true,
    cell: (artifact) => <code title={artifact.sha256}>{artifact.sha256.slice(0, 12)}</code>,
  },
  { id: "size", title: "Size", width: "90px", align: "end", sortBy: (artifact) => artifact.size, cell: (artifact) => bytesInWords(artifact.size) },
  {
    id: "when",
    title: "When",
    width: "100px",
    align: "end",
    sortBy: (artifact) => Date.parse(artifact.created_at),
    cell: (artifact) => <RelativeTime time={artifact.created_at} />,
  },
];

export function Artifacts({ of, retention, finishedAt }: { of: LeftBy; retention: FlowRetention; finishedAt: string | null }) {
  const removed = removedAt(retention, "artifacts", finishedAt);
  return (
    <Loaded answer={useQuery(artifactsQuery(of))} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
      {(artifacts) => (
        <DataTable
          label="Artifacts"
          columns={columns}
          rows={artifacts}
          idOf={(artifact) => artifact.id}
          filter={artifacts.length > 8}
          empty={
            <Panel>
              {removed === null ? (
                <EmptyPage title="No artifacts">
                  A step <code>{'artifacts: { upload: "dist/*" }'}</code> keeps files of a job's workspace.
                </EmptyPage>
              ) : (
                <Removed what="artifacts" at={removed} />
              )}
            </Panel>
          }
        />
      )}
    </Loaded>
  );
}
