/** What each project's share of all that is kept is, and how the object storage stands in words. */
import type { RetainedKind, StorageItem, StorageOverview, StorageOwner } from "../../api/types";
import { counted } from "../../parts/words";
import { format } from "../../units/format";

/** What a project keeps, its kinds side by side. */
export interface ProjectStorage {
  /** `null` for what belongs to none: the logs of agents and services. */
  project: string | null;
  flows: number;
  oldest_flow_at: string | null;
  artifacts: number;
  artifact_bytes: number;
  log_bytes: number;
  test_results: number;
  /** What goes next, and when. */
  goesNext: { kind: RetainedKind; at: string } | null;
}

/** What each project keeps, in the order in which they come. */
export function projectsIn(items: readonly StorageItem[]): ProjectStorage[] {
  const byProject = new Map<string | null, StorageItem[]>();
  for (const item of items) byProject.set(item.project, [...(byProject.get(item.project) ?? []), item]);
  return [...byProject].map(([project, its]) => {
    const of = (kind: RetainedKind) => its.find((item) => item.kind === kind);
    const going = its.flatMap(({ kind, goes_next: at }) => (at === null ? [] : [{ kind, at }]));
    return {
      project,
      flows: of("flows")?.count ?? 0,
      oldest_flow_at: of("flows")?.oldest ?? null,
      artifacts: of("artifacts")?.count ?? 0,
      artifact_bytes: of("artifacts")?.bytes ?? 0,
      log_bytes: of("logs")?.bytes ?? 0,
      test_results: of("test_results")?.count ?? 0,
      goesNext: going.toSorted((left, right) => Date.parse(left.at) - Date.parse(right.at))[0] ?? null,
    };
  });
}

export interface StorageRow extends ProjectStorage {
  /** Artifacts and logs. */
  bytes: number;
  /** What of the bytes of all rows its artifacts and its logs are, from 0 to 1. */
  artifactShare: number;
  logShare: number;
}

export interface StorageTotals {
  bytes: number;
  artifacts: number;
  artifactBytes: number;
  logBytes: number;
  flows: number;
  oldestFlowAt: string | null;
  testResults: number;
}

export function totalsOf(projects: readonly ProjectStorage[]): StorageTotals {
  const sum = (of: (kept: ProjectStorage) => number) => projects.reduce((total, kept) => total + of(kept), 0);
  const artifactBytes = sum((kept) => kept.artifact_bytes);
  const logBytes = sum((kept) => kept.log_bytes);
  const oldest = projects.flatMap((kept) => (kept.oldest_flow_at === null ? [] : [kept.oldest_flow_at]));
  return {
    bytes: artifactBytes + logBytes,
    artifacts: sum((kept) => kept.artifacts),
    artifactBytes,
    logBytes,
    flows: sum((kept) => kept.flows),
    oldestFlowAt: oldest.toSorted((left, right) => Date.parse(left) - Date.parse(right))[0] ?? null,
    testResults: sum((kept) => kept.test_results),
  };
}

/** With their shares, the largest first. Of those that are alike, the server's own row is the last and the others stand by name. */
export function rowsBySize(projects: readonly ProjectStorage[]): StorageRow[] {
  const { bytes: all } = totalsOf(projects);
  const shareOf = (bytes: number) => (all === 0 ? 0 : bytes / all);
  const rows = projects.map((kept) => ({
    ...kept,
    bytes: kept.artifact_bytes + kept.log_bytes,
    artifactShare: shareOf(kept.artifact_bytes),
    logShare: shareOf(kept.log_bytes),
  }));
  return rows.toSorted((left, right) => right.bytes - left.bytes || compareNames(left.project, right.project));
}

function compareNames(left: string | null, right: string | null): number {
  if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
  return left.localeCompare(right, "en", { numeric: true });
}

/** "9.7 %", and for what is too little to be written so that it is something. */
export function shareInWords(share: number): string {
  if (share === 0) return "0 %";
  return share < 0.001 ? "< 0.1 %" : format(share, { unit: "ratio", decimals: 1 });
}

const owners: Record<StorageOwner, string> = {
  this: "The object storage belongs to this server's database.",
  another: "The object storage belongs to another database.",
  nobody: "The object storage does not say whose it is.",
};

/** The one line that says how it stands. */
export function summaryOf({ owner, objects_to_remove: waiting }: Omit<StorageOverview, "items">): { isWell: boolean; text: string } {
  const isWell = owner === "this";
  if (waiting === 0) return { isWell, text: owners[owner] };
  return { isWell, text: `${owners[owner]} ${counted(waiting, "object")} ${waiting === 1 ? "waits" : "wait"} to be removed.` };
}

/** What follows from it that the objects are not this server's, and what to do. */
export const warnings: Record<Exclude<StorageOwner, "this">, { text: string; fix: string }> = {
  another: {
    text: "This server removes nothing from the object storage, because it belongs to another database. The other server does not know what this one stores, and removes it after a day.",
    fix: "Give this server a bucket or a prefix of its own: `s3_bucket`, `s3_prefix`. Where the other server is gone for good, run `keirin admin storage claim` on this server's machine.",
  },
  nobody: {
    text: "This server removes nothing from the object storage, because it does not say whose it is.",
    fix: "Where it is this server's alone, run `keirin admin storage claim` on this server's machine. Otherwise give this server a bucket or a prefix of its own: `s3_bucket`, `s3_prefix`.",
  },
};
