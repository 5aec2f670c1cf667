/** A branch: its flows down, their stages across. */
import { LinkButton } from "../../parts/LinkButton";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useMay } from "../../api/me";
import { branchesQuery, flowsQuery } from "../../api/queries";
import type { Branch } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { Banner } from "../../parts/Banner";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { stateOf } from "../../parts/states";
import { counted } from "../../parts/words";
import { FlowGrid } from "./FlowGrid";

export function BranchPage() {
  const { project, branch } = useParams({ from: "/framed/projects/$project/branches/$branch" });
  useCrumbs(projectCrumbs({ project, branch }));
  const list = useInfiniteQuery(flowsQuery(project, branch));
  const mayStart = useMay("developer", project);
  const newest = list.data?.pages[0]?.items[0];
  const branches = useQuery(branchesQuery(project));
  const known = branches.data?.find((one) => one.name === branch);
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
        facts={
          <>
            {newest?.branch_kind === "tag" && known === undefined ? <Tag>tag</Tag> : null}
            {known?.gone_at == null ? null : <Tag>gone</Tag>}
            Rows are flows, the newest on top; columns are stages.
          </>
        }
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
      {/* Both at once: what the last push did stands above the flows, which do not move when it comes. */}
      <Loaded answer={branches} skeleton={<Panel flush><SkeletonRows rows={10} /></Panel>}>
        {() => (
          <>
            {known ? <LastPush branch={known} /> : null}
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
          </>
        )}
      </Loaded>
      <More list={list} what="flows" />
    </Page>
  );
}

/** What the last push did, where it did not just start flows: a broken workflow, or nothing at all. */
function LastPush({ branch }: { branch: Branch }) {
  const push = branch.last_push;
  if (push === null || branch.gone_at !== null) return null;
  const broken = push.flows.filter((flow) => flow.workflow_errors > 0);
  if (push.flows.length === 0) {
    return <Banner quiet text={`The last push (\`${push.commit.slice(0, 10)}\`) started nothing. ${push.reasons.join(" ")}`} />;
  }
  return broken.map((flow) => (
    <Banner
      key={flow.id}
      text={`The file of workflow \`${flow.workflow}\` is broken: it has ${counted(flow.workflow_errors, "error")}.`}
      fix="Correct the file and push it; `keirin check` shows what is wrong with it."
    >
      <p>
        <Link to="/flows/$flow" params={{ flow: flow.id }}>
          What is wrong, in flow {flow.number}
        </Link>
      </p>
    </Banner>
  ));
}
