/** Where the time went: each job on one line of time, what it waited for an agent hatched. */
import { Link } from "@tanstack/react-router";
import type { Flow } from "../../api/types";
import { useNow } from "../../parts/clock";
import { Panel } from "../../parts/Panel";
import { State } from "../../parts/State";
import { isOver, stateColour, stateWords } from "../../parts/states";
import { inWords, preciselyInWords } from "../../parts/words";
import { type Segment, type TimeRow, timelineOf } from "./timeline";
import css from "./Waterfall.module.css";

export function Waterfall({ flow }: { flow: Flow }) {
  const now = useNow(!isOver(flow));
  const { seconds, rows, ticks } = timelineOf(flow, now);
  const part = (time: number) => `${(time / seconds) * 100}%`;
  return (
    <Panel
      title="Where the time went"
      flush
      aside={
        <span className={css.legend}>
          <span className={css.queuedSample} /> waited for an agent <span className={css.ranSample} /> ran
        </span>
      }
    >
      <div className={css.waterfall}>
        <div className={css.axis} aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick} style={{ left: part(tick) }} data-last={tick / seconds > 0.94}>
              {tick === 0 ? "0" : tick < 10 ? preciselyInWords(tick) : inWords(tick)}
            </span>
          ))}
        </div>
        <ul>
          {rows.map((row) => (
            <li key={`${row.kind} ${row.id}`} className={css.row} data-kind={row.kind}>
              <RowName row={row} />
              <div className={css.bars}>
                {ticks.map((tick) => (
                  <span key={tick} className={css.grid} style={{ left: part(tick) }} />
                ))}
                {row.segments.map((segment) => (
                  <Bar key={`${segment.kind} ${segment.from}`} segment={segment} kind={row.kind} left={part(segment.from)} width={part(segment.to - segment.from)} />
                ))}
              </div>
              <span className={css.total}>{total(row)}</span>
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}

function RowName({ row }: { row: TimeRow }) {
  return (
    <span className={css.name}>
      <State state={row.state} size={14} />
      {row.kind === "run" ? (
        <Link to="/runs/$run" params={{ run: row.id }} title={row.name}>
          {row.name}
        </Link>
      ) : (
        <Link to="/jobs/$job" params={{ job: row.id }} title={row.name}>
          {row.name}
        </Link>
      )}
    </span>
  );
}

interface BarProps {
  segment: Segment;
  kind: TimeRow["kind"];
  left: string;
  width: string;
}

function Bar({ segment, kind, left, width }: BarProps) {
  const span = preciselyInWords(segment.to - segment.from);
  const text = segment.kind === "queued" ? `Waited ${span}` : `${stateWords[segment.state]}: ${span}`;
  return (
    <span
      className={css.bar}
      data-kind={kind === "run" ? "run" : segment.kind}
      style={{ left, width, "--state": stateColour(segment.state) } as React.CSSProperties}
      title={text}
    >
      <span className="unseen">{text}</span>
    </span>
  );
}

function total(row: TimeRow): string {
  const ran = row.segments.filter((segment) => segment.kind !== "queued").reduce((sum, { from, to }) => sum + to - from, 0);
  return row.segments.every((segment) => segment.kind === "queued") ? "–" : preciselyInWords(ran);
}
