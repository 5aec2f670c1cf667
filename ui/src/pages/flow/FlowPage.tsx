/** A flow: the map of its stages and jobs, where the time went, what it left, and why it started. */
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { artifactsQuery, flowQuery } from "../../api/queries";
import type { Flow } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { type Tab, Tabs } from "../../parts/Tabs";
import { Artifacts } from "../results/Artifacts";
import { Tests } from "../results/Tests";
import { testsIn } from "../results/testsIn";
import { BrokenWorkflow } from "./BrokenWorkflow";
import { FlowAbout } from "./FlowAbout";
import { FlowHead } from "./FlowHead";
import { FlowMap } from "./FlowMap";
import { Waterfall } from "./Waterfall";

export function FlowPage() {
  const { flow: id } = useParams({ from: "/framed/flows/$flow" });
  const answer = useQuery(flowQuery(id));
  const flow = answer.data;
  useCrumbs(
    flow
      ? projectCrumbs({ project: flow.project, branch: flow.branch, flow: { id: flow.id, number: flow.number } })
      : [{ label: "Flow" }],
  );
  return (
    <Page width="whole">
      <Loaded page answer={answer} skeleton={<Panel flush><SkeletonRows rows={8} /></Panel>}>
        {(data) => <FlowViews flow={data} />}
      </Loaded>
    </Page>
  );
}

function FlowViews({ flow }: { flow: Flow }) {
  const { tab = "graph" } = useSearch({ from: "/framed/flows/$flow" });
  const artifacts = useQuery(artifactsQuery({ kind: "flow", id: flow.id }));
  const tabs: Tab[] = [
    { id: "graph", label: "Graph" },
    { id: "waterfall", label: "Waterfall" },
    { id: "tests", label: "Tests", count: testsIn(flow.runs.map((run) => run.tests)) },
    { id: "artifacts", label: "Artifacts", count: artifacts.data?.length },
    { id: "about", label: "Parameters and cause" },
  ];
  return (
    <>
      <FlowHead flow={flow} />
      <Tabs label="Views of this flow" tabs={tabs} chosen={tab} />
      {tab === "graph" ? flow.diagnostics.length > 0 ? <BrokenWorkflow flow={flow} /> : <FlowMap flow={flow} /> : null}
      {tab === "waterfall" ? <Waterfall flow={flow} /> : null}
      {tab === "tests" ? <Tests of={{ kind: "flow", id: flow.id }} retention={flow.retention} finishedAt={flow.finished_at} /> : null}
      {tab === "artifacts" ? <Artifacts of={{ kind: "flow", id: flow.id }} retention={flow.retention} finishedAt={flow.finished_at} /> : null}
      {tab === "about" ? <FlowAbout flow={flow} /> : null}
    </>
  );
}
