/** A line's text with its colours, and with what one searches for marked. */
import { type CSSProperties, memo, type ReactNode } from "react";
import { type Colour, type Look, parseAnsi, type Span } from "./ansi";
import css from "./LineText.module.css";

interface LineTextProps {
  text: string;
  marker: RegExp | null;
}

export const LineText = memo(function LineText({ text, marker }: LineTextProps) {
  const spans = parseAnsi(text);
  const marks = marker === null ? [] : rangesOf(spans.map((span) => span.text).join(""), marker);
  let offset = 0;
  return (
    <>
      {spans.map((span) => {
        const start = offset;
        offset += span.text.length;
        return <Piece key={start} span={span} parts={split(span.text, start, marks)} />;
      })}
    </>
  );
});

function Piece({ span, parts }: { span: Span; parts: ReactNode[] | string }) {
  if (Object.keys(span.look).length === 0) return <>{parts}</>;
  return (
    <span className={classesOf(span.look)} style={styleOf(span.look)}>
      {parts}
    </span>
  );
}

interface Range {
  start: number;
  end: number;
}

/** A line can match more often than anybody can see. */
const mostMarks = 200;

function rangesOf(text: string, marker: RegExp): Range[] {
  const ranges: Range[] = [];
  for (const match of text.matchAll(marker)) {
    if (match[0] === "") continue;
    ranges.push({ start: match.index, end: match.index + match[0].length });
    if (ranges.length >= mostMarks) break;
  }
  return ranges;
}

/** The part of a line that begins at `start`, cut where marks begin and end. */
function split(text: string, start: number, marks: readonly Range[]): ReactNode[] | string {
  if (marks.length === 0) return text;
  const parts: ReactNode[] = [];
  let from = 0;
  for (const mark of marks) {
    const begin = Math.max(0, mark.start - start);
    const end = Math.min(text.length, mark.end - start);
    if (end <= from || begin >= text.length) continue;
    if (begin > from) parts.push(text.slice(from, begin));
    parts.push(<mark key={begin}>{text.slice(Math.max(from, begin), end)}</mark>);
    from = end;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function classesOf(look: Look): string {
  const names = [
    look.bold && css.bold,
    look.dim && css.dim,
    look.italic && css.italic,
    look.underline && css.underline,
    look.strike && css.strike,
    look.inverse && css.inverse,
    look.text && "red" in look.text && css.free,
    look.back && css.backed,
  ];
  return names.filter(Boolean).join(" ");
}

/** The stylesheet makes any colour readable on the log's surface, so it gets them as variables. */
function styleOf(look: Look): CSSProperties | undefined {
  if (!look.text && !look.back) return undefined;
  return {
    ...(look.text ? { "--text-colour": cssColour(look.text) } : {}),
    ...(look.back ? { "--back-colour": cssColour(look.back) } : {}),
    ...(look.text && "palette" in look.text ? { color: cssColour(look.text) } : {}),
  } as CSSProperties;
}

function cssColour(colour: Colour): string {
  return "palette" in colour ? `var(--ansi-${colour.palette})` : `rgb(${colour.red} ${colour.green} ${colour.blue})`;
}
