/** All projects that one may see. */
import { LinkButton } from "../../parts/LinkButton";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMay } from "../../api/me";
import { projectsQuery } from "../../api/queries";
import type { Project } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { flowSubject } from "../../parts/chips";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import { StageStrip } from "../../parts/StageStrip";
import { State } from "../../parts/State";
import { stateOf, stateWords } from "../../parts/states";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import css from "./ProjectsPage.module.css";

const columns: Column<Project>[] = [
  {
    id: "name",
    title: "Project",
    sortBy: (project) => project.name,
    text: (project) => `${project.name} ${project.repository}`,
    cell: (project) => (
      <div className={css.name}>
        <State state={project.latest_flow ? stateOf(project.latest_flow) : "no_data"} size={18} />
        <div>
          <div className={css.title}>
            <Link to="/projects/$project" params={{ project: project.name }}>
              {project.name}
            </Link>
            {project.public ? <Tag>public</Tag> : null}
          </div>
          <div className={css.repository}>{project.repository}</div>
        </div>
      </div>
    ),
  },
  {
    id: "flow",
    title: "Newest flow",
    wideOnly: true,
    sortBy: (project) => (project.latest_flow ? stateWords[stateOf(project.latest_flow)] : null),
    text: (project) => (project.latest_flow ? flowSubject(project.latest_flow) : ""),
    cell: ({ latest_flow: flow }) =>
      flow === null ? (
        <span className={css.none}>no flow yet</span>
      ) : (
        <div className={css.flow}>
          <Link to="/flows/$flow" params={{ flow: flow.id }} className={css.subject}>
            {flow.number} {flowSubject(flow)}
          </Link>
          <StageStrip runs={flow.runs} />
        </div>
      ),
  },
  {
    id: "when",
    title: "When",
    width: "120px",
    align: "end",
    sortBy: (project) => (project.latest_flow ? Date.parse(project.latest_flow.created_at) : null),
    cell: (project) => <RelativeTime time={project.latest_flow?.created_at} none="" />,
  },
];

export function ProjectsPage() {
  useCrumbs([{ label: "Projects" }]);
  const answer = useQuery(projectsQuery);
  const mayAdd = useMay("maintainer");
  const add = mayAdd ? (
    <LinkButton to="/projects/new" leftSection={<Icon name="plus" />}>
      Add your repository
    </LinkButton>
  ) : undefined;
  return (
    <Page>
      <PageHead title="Projects" facts="A project points at a repository and runs what its workflow says." actions={add} />
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows /></Panel>}>
        {(projects) => (
          <DataTable
            label="Projects"
            columns={columns}
            rows={projects}
            idOf={(project) => project.id}
            empty={
              <Panel>
                <EmptyPage title="No project yet" action={add}>
                  Add a repository, and its workflow runs on each change. What you may not see is not listed here.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
