/** A state as a shape, a colour and a word, the same everywhere. */
import type { ReactNode } from "react";
import css from "./State.module.css";
import { type StateName, stateColour, stateWords } from "./states";

interface StateProps {
  state: StateName;
  /** Pixels across. */
  size?: number;
  /** Shows the word beside the shape; without it the word is the shape's label. */
  word?: boolean;
  /** Read out instead of the state's word, which it should hold. */
  label?: string;
}

export function State({ state, size = 16, word = false, label }: StateProps) {
  const text = label ?? stateWords[state];
  return (
    <span className={css.state} style={{ color: stateColour(state) }} data-state={state}>
      <svg
        className={state === "running" ? css.turning : undefined}
        width={size}
        height={size}
        viewBox="0 0 16 16"
        {...(word ? { "aria-hidden": true } : { role: "img", "aria-label": text })}
      >
        {word ? null : <title>{text}</title>}
        {shapes[state]}
      </svg>
      {word ? <span>{text}</span> : null}
    </span>
  );
}

const stroke = {
  fill: "none",
  stroke: "currentColor",
  strokeWidth: 1.6,
  strokeLinecap: "round",
  strokeLinejoin: "round",
} as const;

const onFill = { ...stroke, stroke: "var(--surface)", strokeWidth: 1.8 } as const;

const shapes: Record<StateName, ReactNode> = {
  success: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="m4.9 8.3 2.1 2.1 4.1-4.6" {...onFill} />
    </>
  ),
  failed: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="m5.5 5.5 5 5m0-5-5 5" {...onFill} />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6" {...stroke} strokeWidth={2.2} opacity={0.28} />
      <path d="M8 2a6 6 0 0 1 6 6" {...stroke} strokeWidth={2.2} />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.2" {...stroke} />
      <path d="M8 4.6V8l2.3 1.5" {...stroke} />
    </>
  ),
  manual: (
    <path
      d="M5.2 8.6V4.1a1 1 0 0 1 2 0v3.2V2.6a1 1 0 0 1 2 0v4.7V3.4a1 1 0 0 1 2 0v4.5-2.2a.95.95 0 0 1 1.9 0v4.1c0 2.9-1.7 4.7-4.3 4.7-2 0-3-.8-3.9-2.3L2.9 9.6a.95.95 0 0 1 1.5-1.1z"
      {...stroke}
      strokeWidth={1.3}
    />
  ),
  cancelled: (
    <>
      <circle cx="8" cy="8" r="6.2" {...stroke} />
      <path d="m3.8 12.2 8.4-8.4" {...stroke} />
    </>
  ),
  timed_out: (
    <>
      <path d="M4 1.8h8M4 14.2h8M4.9 1.8v2.4L8 8l3.1-3.8V1.8M4.9 14.2v-2.4L8 8l3.1 3.8v2.4" {...stroke} strokeWidth={1.4} />
      <path d="M6.3 13.4 8 11.3l1.7 2.1z" fill="currentColor" />
    </>
  ),
  lost: (
    <path
      d="M6.8 4.4 8.4 2.8a3.3 3.3 0 0 1 4.7 4.7l-1.5 1.6M9.2 11.6l-1.6 1.6a3.3 3.3 0 0 1-4.7-4.7l1.5-1.6M4.2 4.2 2.6 2.6M11.8 11.8l1.6 1.6M5.6 3.3V1.6M10.4 12.7v1.7"
      {...stroke}
      strokeWidth={1.4}
    />
  ),
  skipped: <circle cx="8" cy="8" r="6.2" {...stroke} strokeDasharray="2.4 2.5" />,
  no_data: <circle cx="8" cy="8" r="6.2" {...stroke} />,
};
