/** With what a flow was started, and why. */
import { Link } from "@tanstack/react-router";
import type { Flow } from "../../api/types";
import { BranchChip, CauseText, CommitChip } from "../../parts/chips";
import { Facts } from "../../parts/Facts";
import { Panel } from "../../parts/Panel";
import { absolute, useTimeZone } from "../../parts/timezone";
import css from "./FlowAbout.module.css";

export function FlowAbout({ flow }: { flow: Flow }) {
  const zone = useTimeZone();
  const params = Object.entries(flow.params);
  return (
    <div className={css.columns}>
      <Panel title="Why it started">
        <Facts
          facts={[
            ["Cause", <CauseText key="cause" cause={flow.cause} />],
            ["Asked for", absolute(flow.created_at, zone)],
            ["Finished", flow.finished_at === null ? "not yet" : absolute(flow.finished_at, zone)],
            ["Kind", flow.kind === "ci" ? "ci: the branch as it is" : "dev: a change proposed to the branch"],
            ["Branch", <BranchChip key="branch" project={flow.project} branch={flow.branch} />],
            ["Commit", flow.commit === null ? "none" : <CommitChip key="commit" commit={flow.commit} />],
            [
              "Workflow",
              <Link
                key="workflow"
                to="/projects/$project/branches/$branch/workflow"
                params={{ project: flow.project, branch: flow.branch }}
                search={{ commit: flow.commit ?? undefined, name: flow.workflow }}
              >
                {flow.workflow}
              </Link>,
            ],
            ...(flow.change
              ? ([
                  ["Title", flow.change.title ?? "none"],
                  ["Author", flow.change.author ?? "not said"],
                  ["Proposed", `${flow.change.head} into ${flow.change.base ?? flow.branch}`],
                ] as [string, string][])
              : []),
            ...(flow.concurrency
              ? ([
                  [
                    "Concurrency",
                    `group ${flow.concurrency.group}${flow.concurrency.cancel_in_progress ? ", a newer flow cancels this one" : ""}`,
                  ],
                ] as [string, string][])
              : []),
          ]}
        />
      </Panel>
      <Panel title="Parameters">
        {params.length === 0 ? (
          <p className={css.none}>The workflow takes none.</p>
        ) : (
          <Facts facts={params.map(([name, value]) => [name, <code key={name}>{String(value)}</code>])} />
        )}
      </Panel>
    </div>
  );
}
