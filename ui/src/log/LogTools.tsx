/** What one can do with a log: search it, change how it looks, take it away. */
import { TextInput } from "@mantine/core";
import { rawLogUrl } from "../api/actions";
import type { Job } from "../api/types";
import { Icon, type IconName } from "../parts/Icon";
import { counted, figure } from "../parts/words";
import css from "./LogTools.module.css";
import type { Find } from "./useFind";

interface LogToolsProps {
  job: Job;
  attempt: number | undefined;
  find: Find;
  onStep: (by: 1 | -1) => void;
  wrap: boolean;
  onWrap: (on: boolean) => void;
  times: boolean;
  onTimes: (on: boolean) => void;
  onFirstError: (() => void) | undefined;
  lines: number;
}

export function LogTools(props: LogToolsProps) {
  const { job, attempt, find, onStep } = props;
  return (
    <div className={css.tools} role="toolbar" aria-label="Log">
      <TextInput
        className={css.find}
        aria-label="Search this log"
        placeholder="Search this log  /"
        value={find.text}
        leftSection={<Icon name="search" />}
        rightSectionWidth={92}
        rightSection={find.text === "" ? null : <Count find={find} />}
        data-filter=""
        onChange={(event) => find.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <Tool icon="up" label="Match before (N)" onClick={() => onStep(-1)} disabled={find.lines.length === 0} />
      <Tool icon="down" label="Next match (n)" onClick={() => onStep(1)} disabled={find.lines.length === 0} />
      <button
        type="button"
        className={css.tool}
        aria-pressed={find.regex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => find.setRegex(!find.regex)}
      >
        <code>.*</code>
      </button>
      <span className={css.space} />
      {props.onFirstError ? (
        <button type="button" className={css.error} onClick={props.onFirstError} title="First error (e)">
          First error
        </button>
      ) : null}
      <span className={css.lines}>{counted(props.lines, "line")}</span>
      <Tool icon="wrap" label="Wrap lines (w)" pressed={props.wrap} onClick={() => props.onWrap(!props.wrap)} />
      <Tool icon="clock" label="Show times (t)" pressed={props.times} onClick={() => props.onTimes(!props.times)} />
      <a className={css.tool} href={rawLogUrl(job.id, attempt)} target="_blank" rel="noreferrer" aria-label="Raw log" title="Raw log">
        <Icon name="file" />
      </a>
      <a className={css.tool} href={rawLogUrl(job.id, attempt)} download={`${job.name}.log`} aria-label="Download the log" title="Download the log">
        <Icon name="download" />
      </a>
    </div>
  );
}

function Count({ find }: { find: Find }) {
  if (find.loading && find.lines.length === 0) return <span className={css.count}>searching</span>;
  if (find.lines.length === 0) return <span className={css.count}>none</span>;
  const of = `${figure(find.lines.length)}${find.more ? "+" : ""}`;
  return (
    <span className={css.count} role="status">
      {find.at === -1 ? of : `${figure(find.at + 1)} of ${of}`}
    </span>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  disabled?: boolean;
}

function Tool({ icon, label, onClick, pressed, disabled = false }: ToolProps) {
  return (
    <button type="button" className={css.tool} aria-label={label} title={label} aria-pressed={pressed} onClick={onClick} disabled={disabled}>
      <Icon name={icon} />
    </button>
  );
}
