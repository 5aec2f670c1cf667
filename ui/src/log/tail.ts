/** Lines of a job as they are written. */
import { logStreamUrl } from "../api/actions";
import type { LogLine } from "../api/types";

interface TailOf {
  job: string;
  /** The first line that is wanted. */
  from: number;
  onLines: (lines: LogLine[]) => void;
  /** No more lines will come. */
  onEnd: () => void;
}

/** Lines of a burst are gathered for as long as a frame takes, so that each is not drawn by itself. */
const gatherMilliseconds = 50;

/** Follows until told to stop. The browser opens a broken stream again by itself, from the last line that came. */
export function followLog({ job, from, onLines, onEnd }: TailOf): () => void {
  const source = new EventSource(logStreamUrl(job, from));
  let gathered: LogLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (gathered.length === 0) return;
    const lines = gathered;
    gathered = [];
    onLines(lines);
  }

  source.addEventListener("lines", (message: MessageEvent<string>) => {
    gathered.push(...(JSON.parse(message.data) as LogLine[]));
    timer ??= setTimeout(flush, gatherMilliseconds);
  });
  source.addEventListener("end", () => {
    flush();
    source.close();
    onEnd();
  });
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
