/** Starts a flow by hand, with a form made from the workflow's parameters. */
import { LinkButton } from "../../parts/LinkButton";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { defaultOf, startFlow } from "../../api/actions";
import { branchesQuery, workflowsQuery } from "../../api/queries";
import type { ParamValue, Workflow } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { FieldRow, Form } from "../../parts/Form";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonLines } from "../../parts/Skeleton";
import { ParamField } from "./ParamField";
import css from "./StartPage.module.css";

export function StartPage() {
  const { project } = useParams({ from: "/framed/projects/$project/start" });
  const search = useSearch({ from: "/framed/projects/$project/start" });
  useCrumbs(projectCrumbs({ project }, { label: "Start flow" }));
  const branches = useQuery(branchesQuery(project));
  const [typed, setTyped] = useState<string | null>(search.branch ?? null);
  const known = (branches.data ?? []).map((branch) => branch.name);
  const branch = typed ?? known[0] ?? "";
  // The server looks into the repository for each name that is asked for.
  const [settled] = useDebouncedValue(branch, typed === null ? 0 : 400);
  return (
    <Page width="form">
      <PageHead title="Start flow" facts={`Runs a workflow of ${project} at the newest commit of a branch.`} />
      <Panel>
        <div className={css.branch}>
          <TextInput
            label="Branch"
            description="A branch or tag of the repository; empty for its default branch."
            list="known-branches"
            value={branch}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <datalist id="known-branches">
            {known.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </datalist>
        </div>
        {branches.isPending ? <SkeletonLines /> : <Workflows key={settled} project={project} branch={settled} />}
      </Panel>
    </Page>
  );
}

function Workflows({ project, branch }: { project: string; branch: string }) {
  const answer = useQuery(workflowsQuery(project, branch));
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Loaded answer={answer} skeleton={<SkeletonLines lines={5} />}>
      {(workflows) => {
        const workflow = workflows.find((one) => one.name === chosen) ?? workflows[0];
        if (workflow === undefined) {
          return (
            <EmptyPage title="There is no workflow on this branch">
              Add a file <code>.keirin.yaml</code> at the root of the repository; <code>keirin init</code> proposes one.
            </EmptyPage>
          );
        }
        return (
          <>
            {workflows.length > 1 ? (
              <div className={css.branch}>
                <NativeSelect
                  label="Workflow"
                  data={workflows.map((one) => one.name)}
                  value={workflow.name}
                  onChange={(event) => setChosen(event.currentTarget.value)}
                />
              </div>
            ) : null}
            <StartForm key={workflow.name} project={project} branch={branch} workflow={workflow} />
          </>
        );
      }}
    </Loaded>
  );
}

interface StartFormProps {
  project: string;
  branch: string;
  workflow: Workflow;
}

function StartForm({ project, branch, workflow }: StartFormProps) {
  const navigate = useNavigate();
  const [params, setParams] = useState<Record<string, ParamValue>>(() =>
    Object.fromEntries(workflow.params.map((param) => [param.name, defaultOf(param)])),
  );
  const [proposed, setProposed] = useState(false);
  const [change, setChange] = useState({ base: "", head: "", author: "", title: "" });
  const start = useMutation({
    mutationFn: () =>
      startFlow(project, {
        branch,
        workflow: workflow.name,
        params,
        change: proposed
          ? { base: change.base || null, head: change.head, author: change.author || null, title: change.title || null }
          : null,
      }),
    onSuccess: (flow) => navigate({ to: "/flows/$flow", params: { flow: flow.id } }),
  });
  const faults = workflow.diagnostics.filter((fault) => fault.severity === "error").length;
  const field = (name: keyof typeof change) => ({
    value: change[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => setChange({ ...change, [name]: event.currentTarget.value }),
  });

  if (faults > 0) {
    return (
      <EmptyPage
        title="The workflow file has errors, so it cannot start"
        action={
          <LinkButton
            to="/projects/$project/branches/$branch/workflow"
            params={{ project, branch }}
          >
            Show errors
          </LinkButton>
        }
      />
    );
  }
  return (
    <Form
      onSubmit={() => start.mutate()}
      error={start.error}
      buttons={
        <Button type="submit" loading={start.isPending}>
          Start flow
        </Button>
      }
    >
      {workflow.params.map((param) => (
        <ParamField
          key={param.name}
          param={param}
          value={params[param.name] ?? defaultOf(param)}
          onChange={(value) => setParams({ ...params, [param.name]: value })}
        />
      ))}
      {workflow.params.length === 0 ? <p className={css.note}>This workflow takes no parameters.</p> : null}
      <details className={css.change} onToggle={(event) => setProposed(event.currentTarget.open)}>
        <summary>For a proposed change</summary>
        <div className={css.fields}>
          <TextInput
            label="Head"
            description="The commit or branch that is proposed. The flow becomes one of kind dev."
            required={proposed}
            {...field("head")}
          />
          <FieldRow>
            <TextInput label="Base" placeholder={branch} {...field("base")} />
            <TextInput label="Author" {...field("author")} />
          </FieldRow>
          <TextInput label="Title" {...field("title")} />
        </div>
      </details>
    </Form>
  );
}
