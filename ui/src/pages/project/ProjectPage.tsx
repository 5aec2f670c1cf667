/** A project: its branches, and what ran lately on any of them. */
import { LinkButton } from "../../parts/LinkButton";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { reaches } from "../../api/me";
import { branchesQuery, flowsQuery, projectQuery } from "../../api/queries";
import type { Branch, Project } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { Banner } from "../../parts/Banner";
import { EmptyPage } from "../../parts/EmptyPage";
import { FlowList } from "../../parts/FlowList";
import { Tag } from "../../parts/chips";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import { StageStrip } from "../../parts/StageStrip";
import { State } from "../../parts/State";
import { stateOf } from "../../parts/states";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { figure } from "../../parts/words";
import { ProjectHead } from "./ProjectHead";
import { Schedules } from "./Schedules";
import css from "./ProjectPage.module.css";

export function ProjectPage() {
  const { project: name } = useParams({ from: "/framed/projects/$project" });
  useCrumbs(projectCrumbs({ project: name }));
  const project = useQuery(projectQuery(name));
  return (
    <Page>
      <Loaded page answer={project} skeleton={<SkeletonRows rows={3} />}>
        {(data) => (
          <>
            <ProjectHead project={data} />
            {data.notices.map((notice) => (
              <Banner key={notice.kind} text={notice.text} fix={notice.fix} />
            ))}
            <div className={css.columns}>
              <div className={css.column}>
                <Branches project={data} />
                <Schedules project={data.name} />
              </div>
              <RecentFlows project={data} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Branches({ project }: { project: Project }) {
  const answer = useQuery(branchesQuery(project.name));
  return (
    <section>
      <h2 className={css.heading}>Branches</h2>
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(branches) => (
          <DataTable
            label="Branches"
            columns={columnsOf(project.name)}
            rows={branches}
            idOf={(branch) => branch.id}
            filter={branches.length > 8}
            empty={
              <Panel>
                <EmptyPage title="No branch has had a flow yet" action={<StartFirst project={project} />}>
                  A branch shows here once a flow has run on it. Start one now, or push a commit.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </section>
  );
}

function StartFirst({ project }: { project: Project }) {
  if (!reaches(project.role, "developer")) return null;
  return (
    <LinkButton to="/projects/$project/start" params={{ project: project.name }}>
      Start flow
    </LinkButton>
  );
}

function RecentFlows({ project }: { project: Project }) {
  const list = useInfiniteQuery(flowsQuery(project.name));
  return (
    <section>
      <h2 className={css.heading}>Recent flows</h2>
      <Panel flush>
        <Loaded answer={list} skeleton={<SkeletonRows rows={8} />}>
          {({ pages }) => {
            const flows = pages.flatMap((page) => page.items);
            if (flows.length === 0) return <EmptyPage title="No flow yet">The newest ones of all branches show here.</EmptyPage>;
            return <FlowList flows={flows.slice(0, 12)} />;
          }}
        </Loaded>
      </Panel>
    </section>
  );
}

function columnsOf(project: string): Column<Branch>[] {
  return [
    {
      id: "name",
      title: "Branch",
      sortBy: (branch) => branch.name,
      text: (branch) => branch.name,
      cell: (branch) => (
        <div className={css.branch}>
          <State state={branch.latest_flow ? stateOf(branch.latest_flow) : "no_data"} />
          <Link to="/projects/$project/branches/$branch" params={{ project, branch: branch.name }} className={css.name}>
            {branch.name}
          </Link>
          {branch.gone_at === null ? null : <Tag>gone</Tag>}
        </div>
      ),
    },
    {
      id: "stages",
      title: "Newest flow",
      wideOnly: true,
      cell: (branch) => (branch.latest_flow ? <StageStrip runs={branch.latest_flow.runs} compact /> : null),
    },
    { id: "flows", title: "Flows", width: "72px", align: "end", sortBy: (branch) => branch.flows, cell: (branch) => figure(branch.flows) },
    {
      id: "when",
      title: "When",
      width: "100px",
      align: "end",
      sortBy: (branch) => (branch.latest_flow ? Date.parse(branch.latest_flow.created_at) : null),
      cell: (branch) => <RelativeTime time={branch.latest_flow?.created_at} none="" />,
    },
  ];
}
