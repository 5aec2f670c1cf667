/** Cuts a line where its matches begin and end. The server counts in bytes of UTF-8, a browser in UTF-16 units. */
import type { MatchRange } from "../../api/types";
import { clean, withoutSequences } from "../../log/ansi";

export interface Part {
  /** The byte it begins at, which tells it from the others. */
  start: number;
  text: string;
  marked: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function markedParts(line: string, ranges: readonly MatchRange[]): Part[] {
  const bytes = encoder.encode(withoutSequences(line));
  const parts: Part[] = [];
  let from = 0;
  function add(to: number, marked: boolean): void {
    if (to <= from) return;
    parts.push({ start: from, text: clean(decoder.decode(bytes.subarray(from, to))), marked });
    from = to;
  }
  for (const { start, end } of ranges) {
    add(start, false);
    add(end, true);
  }
  add(bytes.length, false);
  return parts;
}
