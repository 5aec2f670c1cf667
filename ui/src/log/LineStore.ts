/** The lines of one log that have been fetched: asked for by number when they are about to be seen, and never all. */
import type { LogLine, LogPage } from "../api/types";

export type LoadLines = (first: number, count: number, signal: AbortSignal) => Promise<LogPage>;

/** Where a step begins. */
export interface Mark {
  index: number;
  line: number;
}

interface Known {
  lines: number;
  closed: boolean;
  steps: readonly { index: number | null; first_line: number }[];
}

const chunkLines = 500;
/** Some 60,000 lines; what was looked at longest ago goes first. */
const keptChunks = 120;

interface Asked {
  stop: AbortController;
}

export class LineStore {
  /** How many lines the log has, as far as this page knows. */
  total: number;
  /** No more lines will come. */
  closed: boolean;
  /** Why lines could not be fetched; cleared when they can again. */
  error: unknown = null;
  marks: readonly Mark[];

  private readonly chunks = new Map<number, LogLine[]>();
  private readonly asked = new Map<number, Asked>();
  private readonly listeners = new Set<() => void>();
  private version = 0;

  constructor(
    private readonly load: LoadLines,
    known: Known,
  ) {
    this.total = known.lines;
    this.closed = known.closed;
    this.marks = marksOf(known);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getVersion = (): number => this.version;

  get(line: number): LogLine | undefined {
    const chunk = Math.floor((line - 1) / chunkLines);
    return this.chunks.get(chunk)?.[(line - 1) % chunkLines];
  }

  /** Fetches what is missing of these lines, and gives up what was asked for elsewhere and has not come. */
  need(first: number, last: number): void {
    const from = Math.floor((Math.max(1, first) - 1) / chunkLines);
    const to = Math.floor((Math.min(this.total, last) - 1) / chunkLines);
    for (const [chunk, asked] of this.asked) {
      if (chunk < from || chunk > to) {
        asked.stop.abort();
        this.asked.delete(chunk);
      }
    }
    for (let chunk = from; chunk <= to; chunk += 1) this.fetch(chunk);
  }

  /** Takes lines that have just been written. Those that do not join what is known only count. */
  append(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (line.line <= this.total && this.get(line.line) !== undefined) continue;
      this.mark(line);
      const place = Math.floor((line.line - 1) / chunkLines);
      const within = (line.line - 1) % chunkLines;
      const chunk = this.chunks.get(place) ?? (within === 0 ? [] : undefined);
      if (chunk && chunk.length === within) {
        chunk.push(line);
        this.chunks.set(place, chunk);
      }
      this.total = Math.max(this.total, line.line);
    }
    if (lines.length > 0) this.changed();
  }

  close(): void {
    this.closed = true;
    this.changed();
  }

  /** What the server knows by now, where it is more. */
  learn(known: Known): void {
    const marks = marksOf(known);
    const news = known.lines > this.total || (known.closed && !this.closed) || marks.length > this.marks.length;
    if (!news) return;
    this.total = Math.max(this.total, known.lines);
    this.closed ||= known.closed;
    if (marks.length > this.marks.length) this.marks = marks;
    this.changed();
  }

  stop(): void {
    for (const { stop } of this.asked.values()) stop.abort();
    this.asked.clear();
  }

  fail(error: unknown): void {
    this.error = error;
    this.changed();
  }

  retry(): void {
    this.error = null;
    this.changed();
  }

  private mark({ step, line }: LogLine): void {
    if (step === null || this.marks.some((mark) => mark.index === step)) return;
    this.marks = [...this.marks, { index: step, line }];
  }

  private wanted(chunk: number): number {
    return Math.min(chunkLines, this.total - chunk * chunkLines);
  }

  private fetch(place: number): void {
    const have = this.chunks.get(place)?.length ?? 0;
    if (have >= this.wanted(place)) {
      this.touch(place);
      return;
    }
    if (this.asked.has(place) || this.error !== null) return;
    const stop = new AbortController();
    this.asked.set(place, { stop });
    this.load(place * chunkLines + 1, chunkLines, stop.signal)
      .then((page) => {
        this.asked.delete(place);
        const present = this.chunks.get(place) ?? [];
        if (page.lines.length > present.length) this.chunks.set(place, page.lines);
        this.total = Math.max(this.total, page.total);
        this.closed ||= page.closed;
        this.forgetOldest();
        this.changed();
      })
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        this.asked.delete(place);
        this.fail(error);
      });
  }

  private touch(place: number): void {
    const chunk = this.chunks.get(place);
    if (chunk === undefined) return;
    this.chunks.delete(place);
    this.chunks.set(place, chunk);
  }

  private forgetOldest(): void {
    for (const place of this.chunks.keys()) {
      if (this.chunks.size <= keptChunks) return;
      this.chunks.delete(place);
    }
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}

/** What the agent itself says belongs to the step that it says it after. */
function marksOf(known: Known): readonly Mark[] {
  return known.steps.flatMap(({ index, first_line: line }) => (index === null ? [] : [{ index, line }])).toSorted((a, b) => a.line - b.line);
}
