/** What one searches for in a log: where it is, which of them one looks at, and how to mark it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { logSearchQuery } from "../api/queries";

const mostMatches = 1000;

export interface Find {
  text: string;
  setText: (text: string) => void;
  regex: boolean;
  setRegex: (regex: boolean) => void;
  /** The lines that match, rising. */
  lines: readonly number[];
  /** There are more than `lines` holds. */
  more: boolean;
  loading: boolean;
  error: unknown;
  /** Which of `lines` one looks at, from 0; -1 while at none. */
  at: number;
  current: number | null;
  step: (by: 1 | -1) => number | null;
  /** Marks matches in what is shown; null where there is nothing to mark. */
  marker: RegExp | null;
}

/** In the log of one attempt: the server looks into those of all. */
export function useFind(job: string, attempt: number | undefined): Find {
  const [text, setTextOnly] = useState("");
  const [regex, setRegex] = useState(false);
  const [at, setAt] = useState(-1);
  const source = regex ? text : text.replace(/[.*+?^${}()|[\]\\#&~-]/g, "\\$&");
  // A capital letter means that case matters.
  const ignoreCase = text === text.toLowerCase();
  const pattern = source === "" ? "" : `${ignoreCase ? "(?i)" : ""}${source}`;
  const answer = useQuery(logSearchQuery({ kind: "job", id: job, pattern, limit: mostMatches }));
  const lines = useMemo(() => {
    const here = (answer.data?.matches ?? []).filter((match) => attempt === undefined || match.attempt === attempt);
    return [...new Set(here.map((match) => match.line.line))];
  }, [answer.data, attempt]);

  const marker = useMemo(() => {
    if (source === "") return null;
    try {
      // Inside a class the escapes above are harmless; without the flag `u` unknown escapes are too.
      return new RegExp(source, ignoreCase ? "gi" : "g");
    } catch {
      // The server's expressions know more than the browser's; what only it understands is found, but not marked.
      return null;
    }
  }, [source, ignoreCase]);

  function step(by: 1 | -1): number | null {
    if (lines.length === 0) return null;
    const next = at === -1 ? (by === 1 ? 0 : lines.length - 1) : (at + by + lines.length) % lines.length;
    setAt(next);
    return lines[next] ?? null;
  }

  return {
    text,
    setText: (next) => {
      setTextOnly(next);
      setAt(-1);
    },
    regex,
    setRegex,
    lines,
    more: answer.data?.more ?? false,
    loading: answer.isFetching,
    error: answer.error,
    at,
    current: lines[at] ?? null,
    step,
    marker,
  };
}
