/** The first screen: what runs, how it goes, and the first step for who is new. */
import { LinkButton } from "../../parts/LinkButton";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { dataPipelineQuery } from "../../api/measure";
import { useMay } from "../../api/me";
import { overviewQuery } from "../../api/queries";
import type { Overview } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { FlowList } from "../../parts/FlowList";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { counted, figure } from "../../parts/words";
import { PipelineStrip } from "../data/PipelineStrip";
import { FigureCard } from "./FigureCard";
import { History } from "./History";
import css from "./OverviewPage.module.css";
import { RunningFlows } from "./RunningFlows";

export function OverviewPage() {
  useCrumbs([{ label: "Overview" }]);
  const answer = useQuery(overviewQuery);
  const mayAdd = useMay("maintainer");
  const add = mayAdd ? (
    <LinkButton to="/projects/new" leftSection={<Icon name="plus" />}>
      Add your repository
    </LinkButton>
  ) : undefined;
  return (
    <Page>
      <PageHead title="Overview" facts={answer.data ? <Totals overview={answer.data} /> : " "} actions={add} />
      <Loaded answer={answer} skeleton={<Skeleton />}>
        {(overview) => <Content overview={overview} add={add} />}
      </Loaded>
    </Page>
  );
}

function Totals({ overview }: { overview: Overview }) {
  const { totals } = overview;
  return (
    <>
      <span>{totals.running_flows === 0 ? "Nothing runs" : `${counted(totals.running_flows, "flow")} under way`}</span>
      <Link to="/queue">{totals.waiting_jobs === 0 ? "no job waits" : `${counted(totals.waiting_jobs, "job")} waiting`}</Link>
      <Link to="/agents">
        {figure(totals.agents.online)} of {counted(totals.agents.known, "agent")} online
      </Link>
      {totals.agents.slots > 0 ? (
        <span>
          {figure(totals.running_jobs)} of {counted(totals.agents.slots, "slot")} busy
        </span>
      ) : null}
      {totals.agents.unauthorised > 0 ? (
        <Link to="/agents" className={css.attention}>
          {counted(totals.agents.unauthorised, "agent")} to authorise
        </Link>
      ) : null}
    </>
  );
}

function Content({ overview, add }: { overview: Overview; add: React.ReactNode }) {
  if (overview.totals.projects === 0 && overview.recent.length === 0) {
    return (
      <div className={css.content}>
        <Panel>
          <EmptyPage title="No project yet" action={add}>
            A project points at a repository. Its workflow file, <code>.keirin.yaml</code>, says what to run; the runs, their logs and
            results show here.
          </EmptyPage>
        </Panel>
        <History />
      </div>
    );
  }
  return (
    <div className={css.content}>
      {overview.figures.length > 0 ? (
        <section className={css.figures} aria-label="The last 30 days">
          {overview.figures.map((one) => (
            <FigureCard key={one.name} figure={one} />
          ))}
        </section>
      ) : null}
      <div className={css.columns}>
        <div className={css.column}>
          <Panel title="Running now" flush aside={<Link to="/queue">Queue</Link>}>
            <RunningFlows running={overview.running} />
          </Panel>
          <History />
        </div>
        <Panel title="Recent flows" flush aside={<Link to="/projects">Projects</Link>}>
          {overview.recent.length === 0 ? (
            <EmptyPage title="No flow has finished yet">The newest ten stand here.</EmptyPage>
          ) : (
            <FlowList flows={overview.recent} />
          )}
        </Panel>
      </div>
      <Way />
    </div>
  );
}

/** As low as it is with its parts, so that nothing moves when they come. */
function Way() {
  const parts = useQuery(dataPipelineQuery).data;
  return <div className={css.pipeline}>{parts === undefined ? null : <PipelineStrip parts={parts} />}</div>;
}

function Skeleton() {
  return (
    <div className={css.content}>
      <div className={css.figures}>
        {["a", "b", "c", "d"].map((key) => (
          <div key={key} className={css.figureSkeleton} />
        ))}
      </div>
      <div className={css.columns}>
        <Panel title="Running now" flush aside={<span>Queue</span>}>
          <SkeletonRows rows={5} />
        </Panel>
        <Panel title="Recent flows" flush aside={<span>Projects</span>}>
          <SkeletonRows rows={8} />
        </Panel>
      </div>
    </div>
  );
}
