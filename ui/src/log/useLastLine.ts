/** The last line of a job, as it is written. */
import { useEffect, useState } from "react";
import type { LogLine } from "../api/types";
import { whileVisible } from "../live/whileVisible";
import { followLog } from "./tail";

export function useLastLine(job: string | null, known: LogLine | null, follow: boolean): LogLine | null {
  const [latest, setLatest] = useState<{ job: string; line: LogLine } | null>(null);
  const from = (known?.line ?? 0) + 1;
  // Only where it starts: a line that comes later must not open the stream anew.
  const [start, setStart] = useState({ job, from });
  if (start.job !== job) setStart({ job, from });

  useEffect(() => {
    if (start.job === null || !follow) return;
    const followed = start.job;
    return whileVisible(() =>
      followLog({
        job: followed,
        from: start.from,
        onLines: (lines) => {
          const line = lines.at(-1);
          if (line) setLatest({ job: followed, line });
        },
        onEnd: () => undefined,
      }),
    );
  }, [start, follow]);

  if (latest === null || latest.job !== job) return known;
  return known !== null && known.line > latest.line.line ? known : latest.line;
}
