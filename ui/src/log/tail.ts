/** Lines of a job as they are written. */
import { logStreamUrl } from "../api/actions";
import type { LogLine } from "../api/types";
import { firstRetry, nextRetry } from "../live/retry";

interface TailOf {
  job: string;
  /** The first line that is wanted. */
  from: number;
  onLines: (lines: LogLine[]) => void;
  /** No more lines will come. */
  onEnd: () => void;
}

/** Lines of a burst are gathered for a few frames, so that each is not drawn by itself. */
const gatherMilliseconds = 50;

/** Follows until told to stop. A stream that breaks off is opened again after the last line that came. */
export function followLog({ job, from, onLines, onEnd }: TailOf): () => void {
  let next = from;
  let gathered: LogLine[] = [];
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let wait = firstRetry;
  let source = open();

  function flush(): void {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    if (gathered.length === 0) return;
    const lines = gathered;
    gathered = [];
    onLines(lines);
  }

  function open(): EventSource {
    const opened = new EventSource(logStreamUrl(job, next));
    opened.addEventListener("open", () => {
      wait = firstRetry;
    });
    opened.addEventListener("lines", (message: MessageEvent<string>) => {
      const lines = JSON.parse(message.data) as LogLine[];
      next = (lines.at(-1)?.line ?? next - 1) + 1;
      gathered.push(...lines);
      flushTimer ??= setTimeout(flush, gatherMilliseconds);
    });
    opened.addEventListener("end", () => {
      flush();
      opened.close();
      onEnd();
    });
    opened.addEventListener("error", () => {
      // The browser opens a broken stream by itself, but not one that was refused.
      if (opened.readyState !== EventSource.CLOSED) return;
      retryTimer = setTimeout(() => {
        source = open();
      }, wait);
      wait = nextRetry(wait);
    });
    return opened;
  }

  return () => {
    clearTimeout(flushTimer);
    clearTimeout(retryTimer);
    source.close();
  };
}
