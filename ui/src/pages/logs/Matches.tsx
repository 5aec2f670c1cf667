/** Lines that were found, under the log that they stand in. */
import { Link } from "@tanstack/react-router";
import type { LogMatch } from "../../api/types";
import { Panel } from "../../parts/Panel";
import { row } from "../../parts/table/row";
import { useRowKeys } from "../../parts/table/useRowKeys";
import { clockTime, useTimeZone } from "../../parts/timezone";
import { counted } from "../../parts/words";
import css from "./LogsPage.module.css";
import { markedParts } from "./markedParts";

export function Matches({ matches }: { matches: readonly LogMatch[] }) {
  useRowKeys();
  const logs = new Map<string, LogMatch[]>();
  for (const match of matches) {
    const key = `${match.job ?? ""} ${match.attempt ?? ""} ${match.agent ?? ""} ${match.service ?? ""}`;
    logs.set(key, [...(logs.get(key) ?? []), match]);
  }
  return (
    <div className={css.logs}>
      {[...logs].map(([key, found]) => (
        <Panel key={key} flush title={<LogName match={found[0]} />} aside={counted(found.length, "line")}>
          <ol className={css.lines}>
            {found.map((match) => (
              <li key={match.line.line} {...row}>
                <Line match={match} />
              </li>
            ))}
          </ol>
        </Panel>
      ))}
    </div>
  );
}

function LogName({ match }: { match: LogMatch | undefined }) {
  if (match === undefined) return null;
  if (match.job !== null) {
    return (
      <Link to="/jobs/$job" params={{ job: match.job }}>
        {match.project} {match.flow_number} / {match.stage} / {match.job_name}
        {match.attempt !== null && match.attempt > 1 ? `, attempt ${match.attempt}` : ""}
      </Link>
    );
  }
  return <>{match.agent === null ? `Service ${match.service}` : `Agent ${match.agent}`}</>;
}

function Line({ match }: { match: LogMatch }) {
  const zone = useTimeZone();
  const parts = markedParts(match.line.text, match.ranges);
  const content = (
    <>
      <span className={css.number}>{match.line.line}</span>
      <span className={css.time}>{clockTime(match.line.time, zone)}</span>
      <code className={css.text}>
        {parts.map((part) => (part.marked ? <mark key={part.start}>{part.text}</mark> : <span key={part.start}>{part.text}</span>))}
      </code>
    </>
  );
  if (match.job === null) return <div className={css.line}>{content}</div>;
  return (
    <Link to="/jobs/$job" params={{ job: match.job }} search={{ attempt: match.attempt ?? undefined }} hash={`L${match.line.line}`} className={css.line}>
      {content}
    </Link>
  );
}
