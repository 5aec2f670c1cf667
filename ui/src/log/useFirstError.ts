/** Finds the line where a job went wrong first. */
import { logSearchQuery, queryClient } from "../api/queries";
import type { Job } from "../api/types";
import { notify } from "../parts/notices";
import { isBad } from "../parts/states";
import type { Group } from "./groups";

/** Words by which programs say that something is wrong. */
const pattern = String.raw`(?i)\b(error|errors|fatal|failed|failure|panicked|exception|traceback|undefined reference|not found)\b|^FAIL\b|✗|✘`;

export function useFirstError(job: Job, attempt: number | undefined, groups: readonly Group[]): () => Promise<number | null> {
  return async () => {
    const wrong = groups.find((group) => isBad(group.state) && group.last >= group.first);
    if (wrong === undefined) return null;
    try {
      const found = await queryClient.fetchQuery(logSearchQuery({ kind: "job", id: job.id, pattern, limit: 1000 }));
      const match = found.matches.find((one) => one.attempt === attempt && one.line.line >= wrong.first && one.line.line <= wrong.last);
      // A step that fails without a word of it has said its last before it did.
      return match?.line.line ?? wrong.last;
    } catch (error) {
      notify(error);
      return null;
    }
  };
}
