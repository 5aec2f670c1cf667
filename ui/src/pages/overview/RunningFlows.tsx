/** What runs now, each flow with its stages and the last line that one of its jobs wrote. */
import { Link } from "@tanstack/react-router";
import type { RunningFlow } from "../../api/types";
import { plainText } from "../../log/ansi";
import { useLastLine } from "../../log/useLastLine";
import { EmptyPage } from "../../parts/EmptyPage";
import { FlowItem } from "../../parts/FlowList";
import listCss from "../../parts/FlowList.module.css";
import { StageStrip } from "../../parts/StageStrip";
import { useRowKeys } from "../../parts/table/useRowKeys";
import css from "./RunningFlows.module.css";

/** A browser opens few connections to one server, so only the first flows show each line as it comes. */
const followed = 2;

export function RunningFlows({ running }: { running: readonly RunningFlow[] }) {
  useRowKeys();
  if (running.length === 0) {
    return <EmptyPage title="Nothing runs">A flow shows here from the moment it is asked for until it ends.</EmptyPage>;
  }
  return (
    <ul className={listCss.list}>
      {running.map((one, index) => (
        <FlowItem key={one.flow.id} flow={one.flow}>
          <StageStrip runs={one.flow.runs} />
          <LastLine running={one} follow={index < followed} />
        </FlowItem>
      ))}
    </ul>
  );
}

function LastLine({ running, follow }: { running: RunningFlow; follow: boolean }) {
  const line = useLastLine(running.job, running.last_line, follow);
  if (running.job === null) return <div className={css.line}>No job of it has started yet.</div>;
  return (
    <Link to="/jobs/$job" params={{ job: running.job }} className={css.line}>
      <span className={css.job}>{running.job_name}</span>
      <code>{line === null ? "No line yet." : plainText(line.text)}</code>
    </Link>
  );
}
