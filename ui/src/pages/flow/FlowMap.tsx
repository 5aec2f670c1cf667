/** The map of a flow beside what one has chosen on it. On a narrow page the map is a list. */
import { useMediaQuery } from "@mantine/hooks";
import { useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { Flow, Job } from "../../api/types";
import { EmptyPage } from "../../parts/EmptyPage";
import { Panel } from "../../parts/Panel";
import { isBad, stateOf } from "../../parts/states";
import { useChangeSearch } from "../../useSearchParameters";
import { JobPanel } from "../job/JobPanel";
import css from "./FlowMap.module.css";
import { StageList } from "./StageList";

const FlowGraph = lazy(() => import("./graph/FlowGraph").then((module) => ({ default: module.FlowGraph })));

export function FlowMap({ flow }: { flow: Flow }) {
  const { job: asked } = useSearch({ from: "/framed/flows/$flow" });
  const changeSearch = useChangeSearch();
  const narrow = useMediaQuery("(max-width: 767px)", undefined, { getInitialValueInEffect: false });
  const jobs = flow.runs.flatMap((run) => run.jobs);
  const chosen = jobs.find((job) => job.id === asked) ?? mostInteresting(jobs);
  const choose = (job: string) => changeSearch({ job }, { replace: true });
  return (
    <div className={css.map}>
      <div className={css.graph}>
        {narrow ? (
          <StageList flow={flow} chosen={chosen?.id} onChoose={choose} />
        ) : (
          <Suspense fallback={null}>
            <FlowGraph flow={flow} chosen={chosen?.id} onChoose={choose} />
          </Suspense>
        )}
      </div>
      <div className={css.side}>
        {chosen ? (
          <JobPanel job={chosen} />
        ) : (
          <Panel>
            <EmptyPage title="This flow has no jobs" />
          </Panel>
        )}
      </div>
    </div>
  );
}

/** What one most likely came for: what went wrong, else what runs, else what waits, else the last. */
function mostInteresting(jobs: readonly Job[]): Job | undefined {
  return (
    jobs.find((job) => isBad(stateOf(job))) ??
    jobs.find((job) => job.state === "running") ??
    jobs.find((job) => job.state === "waiting" && job.queued_at !== null) ??
    jobs.findLast((job) => job.state === "finished" && job.outcome !== "skipped") ??
    jobs[0]
  );
}
