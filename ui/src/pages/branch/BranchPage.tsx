/** A branch: its flows down, their stages across. */
import { LinkButton } from "../../parts/LinkButton";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useMay } from "../../api/me";
import { flowsQuery } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { stateOf } from "../../parts/states";
import { FlowGrid } from "./FlowGrid";

export function BranchPage() {
  const { project, branch } = useParams({ from: "/framed/projects/$project/branches/$branch" });
  useCrumbs(projectCrumbs({ project, branch }));
  const list = useInfiniteQuery(flowsQuery(project, branch));
  const mayStart = useMay("developer", project);
  const newest = list.data?.pages[0]?.items[0];
  const start = mayStart ? (
    <LinkButton to="/projects/$project/start" params={{ project }} search={{ branch }} leftSection={<Icon name="play" />}>
      Start flow
    </LinkButton>
  ) : null;
  return (
    <Page width="whole">
      <PageHead
        title={branch}
        state={newest ? stateOf(newest) : undefined}
        facts="Rows are flows, the newest on top; columns are stages."
        actions={
          <>
            <LinkButton
              variant="default"
              to="/projects/$project/branches/$branch/workflow"
              params={{ project, branch }}
              leftSection={<Icon name="file" />}
            >
              Workflow
            </LinkButton>
            {start}
          </>
        }
      />
      <Panel flush>
        <Loaded answer={list} skeleton={<SkeletonRows rows={10} />}>
          {({ pages }) => {
            const flows = pages.flatMap((page) => page.items);
            return flows.length === 0 ? (
              <EmptyPage title="No flow has run on this branch" action={start}>
                A flow starts when a commit is pushed, by time, or by hand.
              </EmptyPage>
            ) : (
              <FlowGrid flows={flows} />
            );
          }}
        </Loaded>
      </Panel>
      <More list={list} what="flows" />
    </Page>
  );
}
