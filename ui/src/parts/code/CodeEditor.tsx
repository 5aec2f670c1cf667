/** Text with line numbers and its faults at their lines. A plain text area, so that the browser's own keys all work. */
import { useEffect, useRef } from "react";
import css from "./CodeEditor.module.css";

/** Something wrong at a line, counted from 1. */
export interface LineFault {
  line: number;
  severity: "error" | "warning";
  message: string;
}

interface CodeEditorProps {
  label: string;
  text: string;
  onChange: (text: string) => void;
  diagnostics: readonly LineFault[];
  /** Puts the cursor on this line; a new object goes there again. */
  goal: { line: number } | null;
}

export function CodeEditor({ label, text, onChange, diagnostics, goal }: CodeEditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = text.split("\n");
  const faults = new Map<number, LineFault[]>();
  for (const fault of diagnostics) faults.set(fault.line, [...(faults.get(fault.line) ?? []), fault]);

  useEffect(() => {
    if (goal === null || area.current === null) return;
    const start = area.current.value
      .split("\n")
      .slice(0, goal.line - 1)
      .reduce((sum, line) => sum + line.length + 1, 0);
    area.current.focus();
    area.current.setSelectionRange(start, start);
  }, [goal]);

  return (
    <div className={css.editor}>
      <div className={css.rows} aria-hidden="true">
        {lines.map((line, index) => {
          const here = faults.get(index + 1);
          const worst = here?.some((fault) => fault.severity === "error") ? "error" : here ? "warning" : undefined;
          return (
            // oxlint-disable-next-line react/no-array-index-key -- a line is its number
            <div key={index} className={css.row} data-fault={worst}>
              <span className={css.number}>{index + 1}</span>
              <code className={css.code}>
                <Highlighted line={line} />
              </code>
              {here?.map((fault) => (
                <span key={fault.message} className={css.fault}>
                  {fault.message}
                </span>
              ))}
            </div>
          );
        })}
      </div>
      <textarea
        ref={area}
        className={css.area}
        aria-label={label}
        value={text}
        rows={lines.length}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        wrap="off"
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}

const comment = /^(\s*)(#.*)$/;
const entry = /^(\s*(?:- )*)("?[\w.$-]+"?)(:)(?=\s|$)(.*)$/;

/** Just enough colour to find one's way: keys and comments. */
function Highlighted({ line }: { line: string }) {
  const remark = comment.exec(line);
  if (remark) {
    return (
      <>
        {remark[1]}
        <span className={css.comment}>{remark[2]}</span>
      </>
    );
  }
  const found = entry.exec(line);
  if (found === null) return <>{line}</>;
  return (
    <>
      {found[1]}
      <span className={css.key}>{found[2]}</span>
      {found[3]}
      {found[4]}
    </>
  );
}
