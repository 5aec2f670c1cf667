/** A branch's workflow: the file with its faults at their lines, what it would run, and a place to try changes. */
import { Button, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { workflowsQuery } from "../../api/queries";
import type { Workflow } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { CommitChip } from "../../parts/chips";
import { copyText } from "../../parts/copy";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { LinkButton } from "../../parts/LinkButton";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { ProblemPanel } from "../../parts/ProblemPanel";
import { SkeletonLines } from "../../parts/Skeleton";
import { counted } from "../../parts/words";
import { CodeEditor } from "../../parts/code/CodeEditor";
import { Faults } from "./Faults";
import { PlanView } from "./PlanView";
import { useCheck } from "./useCheck";
import css from "./WorkflowPage.module.css";

export function WorkflowPage() {
  const { project, branch } = useParams({ from: "/framed/projects/$project/branches/$branch/workflow" });
  useCrumbs(projectCrumbs({ project, branch }, { label: "Workflow" }));
  const { commit, name } = useSearch({ from: "/framed/projects/$project/branches/$branch/workflow" });
  const answer = useQuery(workflowsQuery(project, branch, commit));
  const [chosen, setChosen] = useState<string | undefined>(name);
  return (
    <Page width="whole">
      <Loaded
        page
        answer={answer}
        skeleton={
          <Panel>
            <SkeletonLines lines={10} />
          </Panel>
        }
      >
        {(workflows) => {
          const workflow = workflows.find((one) => one.name === chosen) ?? workflows[0];
          if (workflow === undefined) {
            return (
              <Panel>
                <EmptyPage page title="There is no workflow on this branch">
                  Add a file <code>.keirin.yaml</code> at the root of the repository; <code>keirin init</code> proposes one.
                </EmptyPage>
              </Panel>
            );
          }
          const choice =
            workflows.length > 1 ? (
              <NativeSelect
                aria-label="Workflow"
                data={workflows.map((one) => one.name)}
                value={workflow.name}
                onChange={(event) => setChosen(event.currentTarget.value)}
              />
            ) : null;
          const present =
            commit === undefined ? null : (
              <LinkButton variant="default" to="/projects/$project/branches/$branch/workflow" params={{ project, branch }} search={{ name: workflow.name }}>
                Show it as it is now
              </LinkButton>
            );
          return <WorkflowFile key={`${workflow.name} ${workflow.commit}`} workflow={workflow} choice={choice} present={present} />;
        }}
      </Loaded>
    </Page>
  );
}

interface WorkflowFileProps {
  workflow: Workflow;
  choice: React.ReactNode;
  /** Leads to the file as it is now, where this is as it was. */
  present: React.ReactNode;
}

function WorkflowFile({ workflow, choice, present }: WorkflowFileProps) {
  const [text, setText] = useState(workflow.text);
  const [goal, setGoal] = useState<{ line: number } | null>(null);
  const changed = text !== workflow.text;
  const check = useCheck(workflow, text);
  const { diagnostics, plan } = check.result;
  return (
    <>
      <PageHead
        title={workflow.file}
        facts={
          <>
            <CommitChip commit={workflow.commit} />
            <span>{changed ? "Changed here only: copy it into the repository to keep it." : present === null ? "As it is in the repository." : "As it was at this commit."}</span>
          </>
        }
        actions={
          <>
            {present}
            {choice}
            {changed ? (
              <Button variant="default" onClick={() => setText(workflow.text)}>
                Undo changes
              </Button>
            ) : null}
            <Button variant="default" leftSection={<Icon name="copy" />} onClick={() => void copyText(text, "The workflow")}>
              Copy file
            </Button>
          </>
        }
      />
      <div className={css.columns}>
        <Panel title="File" flush aside={check.pending ? "checking" : diagnostics.length === 0 ? "no faults" : counted(diagnostics.length, "fault")}>
          <CodeEditor label={workflow.file} text={text} onChange={setText} diagnostics={diagnostics} goal={goal} />
        </Panel>
        <div className={css.side}>
          {check.error == null ? null : <ProblemPanel error={check.error} />}
          {diagnostics.length > 0 ? (
            <Panel title="Faults" flush>
              <Faults diagnostics={diagnostics} onGo={(line) => setGoal({ line })} />
            </Panel>
          ) : null}
          <Panel title="What would run" flush>
            {plan === null ? (
              <EmptyPage title="Nothing, as long as the file has errors" />
            ) : (
              <PlanView plan={plan} />
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}
