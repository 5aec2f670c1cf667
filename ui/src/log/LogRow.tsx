/** A row of a log: the head of a group, or a line. */
import { memo, type MouseEvent } from "react";
import type { LogLine } from "../api/types";
import { Duration } from "../parts/Duration";
import { Icon } from "../parts/Icon";
import { State } from "../parts/State";
import { stateWords } from "../parts/states";
import { clockTime, useTimeZone } from "../parts/timezone";
import { counted } from "../parts/words";
import type { Group } from "./groups";
import type { Row } from "./layout";
import { LineText } from "./LineText";
import css from "./LogRow.module.css";

interface LogRowProps {
  row: Row;
  top: number;
  line: LogLine | undefined;
  open: boolean;
  onToggle: (group: Group) => void;
  selected: boolean;
  found: boolean;
  onSelect: (line: number, extend: boolean) => void;
  marker: RegExp | null;
  times: boolean;
}

export function LogRow(props: LogRowProps) {
  const { row, top } = props;
  if (row.kind === "head") {
    return (
      <div className={css.place} style={{ transform: `translateY(${top}px)` }}>
        <GroupHead group={row.group} open={props.open} onToggle={() => props.onToggle(row.group)} />
      </div>
    );
  }
  const { line, selected, found, onSelect, marker, times } = props;
  return (
    <div
      className={css.line}
      style={{ transform: `translateY(${top}px)` }}
      data-line={row.line}
      data-selected={selected}
      data-found={found}
      data-stream={line?.stream}
    >
      <LineNumber number={row.line} onSelect={onSelect} />
      {times ? <Time time={line?.time} /> : null}
      {line === undefined ? <span className={css.coming} /> : <Text text={line.text} marker={marker} />}
      {line?.cut ? <span className={css.cut}>cut here: the line is too long</span> : null}
    </div>
  );
}

const Text = memo(function Text({ text, marker }: { text: string; marker: RegExp | null }) {
  return (
    <span className={css.text}>
      <LineText text={text} marker={marker} />
    </span>
  );
});

interface LineNumberProps {
  number: number;
  onSelect: (line: number, extend: boolean) => void;
}

/** By the keyboard lines are chosen with `j` and `k`: a million stops of the Tab key help nobody. */
function LineNumber({ number, onSelect }: LineNumberProps) {
  function choose(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.button !== 0) return;
    event.preventDefault();
    onSelect(number, event.shiftKey);
  }
  return (
    <a className={css.number} href={`${location.pathname}${location.search}#L${number}`} tabIndex={-1} onClick={choose} aria-label={`Line ${number}`}>
      {number}
    </a>
  );
}

function Time({ time }: { time: string | undefined }) {
  const zone = useTimeZone();
  return <span className={css.time}>{time === undefined ? "" : clockTime(time, zone)}</span>;
}

interface GroupHeadProps {
  group: Group;
  open: boolean;
  onToggle: () => void;
}

function GroupHead({ group, open, onToggle }: GroupHeadProps) {
  const { step, state, title, first, last } = group;
  const lines = Math.max(0, last - first + 1);
  return (
    <button type="button" className={css.head} aria-expanded={open} onClick={onToggle} disabled={lines === 0}>
      <span className={css.fold} data-hidden={lines === 0}>
        <Icon name={open ? "down" : "right"} size={14} />
      </span>
      <State state={state} size={15} label={stateWords[state]} />
      <span className={css.title}>{title}</span>
      {step?.message == null ? null : <span className={css.message}>{step.message}</span>}
      <span className={css.facts}>
        {step?.exit_code != null && step.exit_code !== 0 ? <span className={css.exit}>exit code {step.exit_code}</span> : null}
        {step?.signal != null ? <span className={css.exit}>signal {step.signal}</span> : null}
        <span>{lines === 0 ? "no lines" : counted(lines, "line")}</span>
        {step ? <span className={css.duration}><Duration from={step.started_at} to={step.finished_at} none="" /></span> : null}
      </span>
    </button>
  );
}

/** The head of the group whose lines one reads, once it has been scrolled out of sight. */
export function StickyHead({ group, onToggle }: { group: Group; onToggle: () => void }) {
  return (
    <div className={css.sticky}>
      <div className={css.stickyInner}>
        <GroupHead group={group} open onToggle={onToggle} />
      </div>
    </div>
  );
}
