/** Breadcrumbs of what belongs to a project, with menus of what stands beside each. */
import { Menu } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { branchesQuery, flowsQuery, projectsQuery } from "../api/queries";
import { flowSubject } from "../parts/chips";
import { Loaded } from "../parts/Loaded";
import { SkeletonLines } from "../parts/Skeleton";
import { State } from "../parts/State";
import { stateOf } from "../parts/states";
import type { Crumb } from "./crumbs";
import css from "./projectCrumbs.module.css";

interface Within {
  project: string;
  branch?: string | undefined;
  flow?: { id: string; number: number } | undefined;
}

const path = encodeURIComponent;

export function projectCrumbs({ project, branch, flow }: Within, ...rest: Crumb[]): Crumb[] {
  const crumbs: Crumb[] = [
    { label: "Projects", to: "/projects" },
    { label: project, to: `/projects/${path(project)}`, siblings: () => <Projects /> },
  ];
  if (branch !== undefined) {
    crumbs.push({
      label: branch,
      to: `/projects/${path(project)}/branches/${path(branch)}`,
      siblings: () => <Branches project={project} />,
    });
  }
  if (flow !== undefined && branch !== undefined) {
    crumbs.push({
      label: `Flow ${flow.number}`,
      to: `/flows/${path(flow.id)}`,
      siblings: () => <Flows project={project} branch={branch} />,
    });
  }
  return [...crumbs, ...rest];
}

const waiting = (
  <div className={css.waiting}>
    <SkeletonLines lines={4} />
  </div>
);

function Projects() {
  return (
    <Loaded answer={useQuery(projectsQuery)} skeleton={waiting}>
      {(projects) =>
        projects.map((project) => (
          <Menu.Item
            key={project.id}
            component={Link}
            to={`/projects/${path(project.name)}`}
            leftSection={<State state={project.latest_flow ? stateOf(project.latest_flow) : "no_data"} />}
          >
            {project.name}
          </Menu.Item>
        ))
      }
    </Loaded>
  );
}

function Branches({ project }: { project: string }) {
  return (
    <Loaded answer={useQuery(branchesQuery(project))} skeleton={waiting}>
      {(branches) =>
        branches.map((branch) => (
          <Menu.Item
            key={branch.id}
            component={Link}
            to={`/projects/${path(project)}/branches/${path(branch.name)}`}
            leftSection={<State state={branch.latest_flow ? stateOf(branch.latest_flow) : "no_data"} />}
          >
            {branch.name}
          </Menu.Item>
        ))
      }
    </Loaded>
  );
}

function Flows({ project, branch }: { project: string; branch: string }) {
  return (
    <Loaded answer={useInfiniteQuery(flowsQuery(project, branch))} skeleton={waiting}>
      {(list) =>
        list.pages
          .flatMap((page) => page.items)
          .slice(0, 15)
          .map((flow) => (
            <Menu.Item key={flow.id} component={Link} to={`/flows/${path(flow.id)}`} leftSection={<State state={stateOf(flow)} />}>
              <span className={css.flow}>
                {flow.number} <span>{flowSubject(flow)}</span>
              </span>
            </Menu.Item>
          ))
      }
    </Loaded>
  );
}
