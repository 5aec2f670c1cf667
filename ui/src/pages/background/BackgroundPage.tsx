/** What the server does by itself: the jobs that it works off, and what goes on all the time. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { backgroundJobsQuery, backgroundQuery } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { serverNow } from "../../parts/clock";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import css from "./BackgroundPage.module.css";
import { JobFilters } from "./JobFilters";
import { JobTable } from "./JobTable";
import { ReconcilerList } from "./ReconcilerList";
import { refetchAfter, seldomMilliseconds, summaryOf } from "./states";

export function BackgroundPage() {
  useCrumbs([{ label: "Settings" }, { label: "Background jobs" }]);
  const { kind, state } = useSearch({ from: "/framed/settings/background-jobs" });
  const jobs = useInfiniteQuery({
    ...backgroundJobsQuery({ kind, state }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => refetchAfter(data?.pages.flatMap((page) => page.items) ?? [], serverNow()),
  });
  const answer = useQuery({ ...backgroundQuery, refetchInterval: seldomMilliseconds });
  const summary = answer.data === undefined ? undefined : summaryOf(answer.data);
  return (
    <Page>
      <PageHead title="Background jobs" state={summary === undefined ? undefined : summary.isWell ? "success" : "failed"} facts={summary?.text ?? " "} />
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows rows={10} /></Panel>}>
        {({ kinds, reconcilers }) => (
          <div className={css.content}>
            <section>
              <div className={css.headingLine}>
                <h2 className={css.heading}>Jobs</h2>
                <JobFilters kinds={kinds} kind={kind} state={state} />
              </div>
              <Loaded answer={jobs} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
                {({ pages }) => <JobTable jobs={pages.flatMap((page) => page.items)} kinds={kinds} kind={kind} state={state} />}
              </Loaded>
              <More list={jobs} what="jobs" />
            </section>
            {/* Once the list above it has its height, so that it does not move. */}
            {jobs.isPending ? null : <ReconcilerList reconcilers={reconcilers} />}
          </div>
        )}
      </Loaded>
    </Page>
  );
}
