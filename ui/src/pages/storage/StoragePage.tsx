/** What takes how much room, and whose the object storage is. */
import { useQuery } from "@tanstack/react-query";
import { storageQuery } from "../../api/queries";
import type { StorageOverview } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { Banner } from "../../parts/Banner";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { LinkButton } from "../../parts/LinkButton";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { ServerRetentionPanel } from "../retention/ServerRetentionPanel";
import { ByProject } from "./ByProject";
import { projectsIn, rowsBySize, summaryOf, totalsOf, warnings } from "./shares";
import css from "./StoragePage.module.css";
import { StorageTable } from "./StorageTable";
import { TotalFigures, TotalFiguresSkeleton } from "./TotalFigures";

export function StoragePage() {
  useCrumbs([{ label: "Settings" }, { label: "Storage" }]);
  const answer = useQuery(storageQuery);
  const summary = answer.data === undefined ? undefined : summaryOf(answer.data);
  return (
    <Page>
      <PageHead title="Storage" state={summary === undefined ? undefined : summary.isWell ? "success" : "failed"} facts={summary?.text ?? " "} />
      <div className={css.content}>
        <Loaded answer={answer} skeleton={<StorageSkeleton />}>
          {(overview) => (
            <>
              {overview.owner === "this" ? null : <Banner {...warnings[overview.owner]} />}
              <Kept items={overview.items} />
            </>
          )}
        </Loaded>
        {/* After what is counted, or after that has failed: nothing moves. */}
        {answer.isPending ? null : <ServerRetentionPanel />}
      </div>
    </Page>
  );
}

function Kept({ items }: Pick<StorageOverview, "items">) {
  const projects = projectsIn(items);
  if (projects.length === 0) {
    const add = (
      <LinkButton to="/projects/new" leftSection={<Icon name="plus" />}>
        Add your repository
      </LinkButton>
    );
    return (
      <Panel>
        <EmptyPage title="Nothing is kept yet" action={add}>
          Each project stands here with its flows, artifacts, logs and test results as soon as there is one.
        </EmptyPage>
      </Panel>
    );
  }
  const totals = totalsOf(projects);
  return (
    <>
      <TotalFigures totals={totals} />
      <StorageTable rows={rowsBySize(projects)} allBytes={totals.bytes} />
    </>
  );
}

/** Counting takes seconds where there is very much. */
function StorageSkeleton() {
  return (
    <div className={css.content}>
      <TotalFiguresSkeleton />
      <ByProject>
        <Panel flush>
          <SkeletonRows />
        </Panel>
      </ByProject>
    </div>
  );
}
