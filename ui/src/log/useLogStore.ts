/** The lines of one attempt at a job, kept up to date while it runs and somebody looks. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { readLog } from "../api/queries";
import type { Job } from "../api/types";
import { whileVisible } from "../live/whileVisible";
import { LineStore } from "./LineStore";
import { followLog } from "./tail";

export function useLogStore(job: Job, attempt: number | undefined): LineStore {
  const newest = attempt === undefined || attempt === job.log?.attempt;
  const store = useMemo(() => {
    const known = newest && job.log ? job.log : { lines: 0, closed: false, steps: [] };
    return new LineStore(
      (first, count, signal) => readLog(job.id, { attempt, from: first, limit: count }, signal),
      known,
    );
    // A store lives as long as the log that it holds; what is learnt later goes in by `learn`.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [job.id, attempt, newest, job.log?.attempt]);
  useSyncExternalStore(store.subscribe, store.getVersion);

  useEffect(() => {
    if (newest && job.log) store.learn(job.log);
  }, [store, newest, job.log]);

  // An earlier attempt's log is closed, but how long it is only its first page says.
  useEffect(() => {
    if (newest) return;
    const stop = new AbortController();
    readLog(job.id, { attempt, tail: 1 }, stop.signal)
      .then((page) => store.learn({ lines: page.total, closed: page.closed, steps: [] }))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) store.fail(error);
      });
    return () => stop.abort();
  }, [store, newest, job.id, attempt]);

  const follow = newest && job.log !== null && !store.closed;
  useEffect(() => {
    if (!follow) return;
    return whileVisible(() =>
      followLog({
        job: job.id,
        from: store.total + 1,
        onLines: (lines) => store.append(lines),
        onEnd: () => store.close(),
      }),
    );
  }, [store, follow, job.id]);

  useEffect(() => () => store.stop(), [store]);
  return store;
}
