/** Why a job waits, its place, and what would let it run now. */
import { useQuery } from "@tanstack/react-query";
import { queueQuery } from "../../api/queries";
import type { Job } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { Sentence } from "../../parts/Sentence";
import css from "./WaitingReason.module.css";

export function WaitingReason({ job }: { job: Job }) {
  const queue = useQuery({ ...queueQuery, enabled: job.queued_at !== null });
  const entry = queue.data?.find((one) => one.job.id === job.id);
  const reason = entry?.reason ?? job.waiting_reason;
  return (
    <div className={css.reason} role="status">
      <Icon name="clock" />
      <div>
        <p>
          <Sentence text={reason ?? "It waits; the server has not said why yet."} />
        </p>
        {entry?.place == null ? null : <p className={css.more}>Place {entry.place} in the queue.</p>}
        {entry?.fix == null ? null : (
          <p className={css.more}>
            <Sentence text={entry.fix} />
          </p>
        )}
      </div>
    </div>
  );
}
