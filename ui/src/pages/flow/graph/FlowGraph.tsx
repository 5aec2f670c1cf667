/** The map of a flow: stages as boxes, their jobs inside, lines for what needs what. */
import "@xyflow/react/dist/base.css";
import { Background, BackgroundVariant, Controls, type Edge, type Node, ReactFlow } from "@xyflow/react";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Flow, Job } from "../../../api/types";
import css from "./FlowGraph.module.css";
import { JobNode, type JobNodeType } from "./JobNode";
import { place } from "./layout";
import { StageNode, type StageNodeType } from "./StageNode";

interface FlowGraphProps {
  flow: Flow;
  chosen: string | undefined;
  onChoose: (job: string) => void;
}

const nodeTypes = { stage: StageNode, job: JobNode };

/** Waits until it is known how much space there is, since that decides how the map is laid out. */
export function FlowGraph(props: FlowGraphProps) {
  const box = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState<Space | null>(null);
  useLayoutEffect(() => {
    if (box.current) setSpace({ width: box.current.clientWidth - 32, height: box.current.clientHeight - 32 });
  }, []);
  return (
    <div ref={box} className={css.box}>
      {space === null ? null : <Graph {...props} space={space} />}
    </div>
  );
}

interface Space {
  width: number;
  height: number;
}

function Graph({ flow, chosen, onChoose, space }: FlowGraphProps & { space: Space }) {
  const shape = JSON.stringify(flow.runs.map((run) => [run.id, run.needs, run.jobs.map((job) => [job.id, job.needs])]));
  // States change often, the shape of a flow never does.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const placed = useMemo(() => place(flow, space), [shape, space]);
  const nodes = useMemo(() => nodesOf(flow, placed, chosen, onChoose), [flow, placed, chosen, onChoose]);
  const edges = useMemo(() => edgesOf(flow, placed), [flow, placed]);
  return (
    <ReactFlow
      className={css.flow}
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      fitView
      // Left of it all, the buttons that zoom have a place of their own.
      fitViewOptions={{ padding: { top: "16px", right: "16px", bottom: "16px", left: "60px" }, maxZoom: 1, minZoom: 0.5 }}
      minZoom={0.2}
      maxZoom={1.5}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      zoomOnDoubleClick={false}
      preventScrolling={false}
      zoomOnScroll={false}
      panOnScroll
      aria-label="Stages and jobs"
    >
      <Background variant={BackgroundVariant.Dots} gap={20} size={1} color="var(--line)" />
      <Controls showInteractive={false} className={css.controls ?? ""} />
    </ReactFlow>
  );
}

function nodesOf(flow: Flow, placed: ReturnType<typeof place>, chosen: string | undefined, onChoose: (job: string) => void): Node[] {
  const runs = new Map(flow.runs.map((run) => [run.id, run]));
  const jobs = new Map<string, Job>(flow.runs.flatMap((run) => run.jobs.map((job) => [job.id, job])));
  const nodes: Node[] = [];
  for (const { run, box, jobs: inside } of placed.runs) {
    const now = runs.get(run.id) ?? run;
    nodes.push({
      id: runNode(run.id),
      type: "stage",
      position: { x: box.x, y: box.y },
      width: box.width,
      height: box.height,
      data: { run: now, direction: placed.direction },
    } satisfies StageNodeType);
    for (const { id, box: within } of inside) {
      const job = jobs.get(id);
      if (job === undefined) continue;
      nodes.push({
        id: jobNode(id),
        type: "job",
        parentId: runNode(run.id),
        position: { x: within.x, y: within.y },
        width: within.width,
        height: within.height,
        data: { job, chosen: id === chosen, onChoose, direction: placed.inner },
      } satisfies JobNodeType);
    }
  }
  return nodes;
}

// A run and a job can have the same id.
const runNode = (run: string) => `run ${run}`;
const jobNode = (job: string) => `job ${job}`;

function edgesOf(flow: Flow, placed: ReturnType<typeof place>): Edge[] {
  const done = new Set<string>();
  for (const run of flow.runs) {
    if (run.outcome === "success") done.add(runNode(run.id));
    for (const job of run.jobs) if (job.outcome === "success") done.add(jobNode(job.id));
  }
  const edge = (source: string, target: string): Edge => ({
    id: `${source} ${target}`,
    source,
    target,
    className: (done.has(source) ? css.done : css.ahead) ?? "",
    zIndex: 1,
  });
  return [
    ...placed.edges.map(({ from, to }) => edge(runNode(from), runNode(to))),
    ...placed.runs.flatMap((run) => run.edges.map(({ from, to }) => edge(jobNode(from), jobNode(to)))),
  ];
}
