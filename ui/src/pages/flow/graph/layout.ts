/** Where the stages and jobs of a flow are drawn: one after the other by what needs what. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Flow, Run } from "../../../api/types";

export const jobSize = { width: 196, height: 40 };
const head = 46;
const margin = 12;
const emptyWidth = 190;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PlacedRun {
  run: Run;
  box: Box;
  /** Places within the stage's box, by job. */
  jobs: { id: string; box: Box }[];
  edges: { from: string; to: string }[];
}

export interface Placed {
  runs: PlacedRun[];
  edges: { from: string; to: string }[];
  /** How stages follow each other, and jobs within them. */
  direction: Direction;
  inner: Direction;
}

/** From left to right, or from top to bottom. */
export type Direction = "LR" | "TB";

const ways: readonly [Direction, Direction][] = [
  ["LR", "LR"],
  ["TB", "LR"],
  ["LR", "TB"],
  ["TB", "TB"],
];

interface Node {
  id: string;
  width: number;
  height: number;
}

/** Of the four ways to lay a flow out, the one that can be drawn largest in this space; the first among equals. */
export function place(flow: Flow, space: { width: number; height: number }): Placed {
  let best: { placed: Placed; scale: number } | undefined;
  for (const [direction, inner] of ways) {
    const placed = placeIn(flow, direction, inner);
    const right = Math.max(1, ...placed.runs.map(({ box }) => box.x + box.width));
    const bottom = Math.max(1, ...placed.runs.map(({ box }) => box.y + box.height));
    const scale = Math.min(1, space.width / right, space.height / bottom);
    if (best === undefined || scale > best.scale + 0.02) best = { placed, scale };
  }
  return best?.placed ?? { runs: [], edges: [], direction: "LR", inner: "LR" };
}

function placeIn(flow: Flow, direction: Direction, inner: Direction): Placed {
  const inside = flow.runs.map((run) => placeJobs(run, inner));
  const ids = new Map(flow.runs.map((run) => [run.stage, run.id]));
  const edges = edgesOf(
    flow.runs.map((run) => ({ id: run.id, needs: run.needs })),
    ids,
  );
  const boxes = arrange(
    inside.map(({ run, width, height }) => ({ id: run.id, width, height })),
    edges,
    direction,
    direction === "LR" ? { across: 56, down: 28 } : { across: 40, down: 28 },
  );
  return {
    direction,
    inner,
    edges,
    runs: inside.map(({ run, width, height, jobs, edges: between }) => ({
      run,
      box: boxes.get(run.id) ?? { x: 0, y: 0, width, height },
      jobs,
      edges: between,
    })),
  };
}

function placeJobs(run: Run, direction: Direction) {
  const ids = new Map(run.jobs.map((job) => [job.name, job.id]));
  for (const job of run.jobs) if (!ids.has(job.key)) ids.set(job.key, job.id);
  const edges = edgesOf(run.jobs, ids);
  const boxes = arrange(
    run.jobs.map((job) => ({ id: job.id, ...jobSize })),
    edges,
    direction,
    { across: direction === "LR" ? 36 : 24, down: 10 },
  );
  const jobs = [...boxes].map(([id, box]) => ({ id, box: { ...box, x: box.x + margin, y: box.y + head } }));
  const right = Math.max(emptyWidth, ...jobs.map(({ box }) => box.x + box.width + margin));
  const bottom = Math.max(head + margin, ...jobs.map(({ box }) => box.y + box.height + margin));
  return { run, width: right, height: bottom, jobs, edges };
}

function edgesOf(things: readonly { id: string; needs: readonly string[] }[], ids: ReadonlyMap<string, string>) {
  return things.flatMap(({ id, needs }) =>
    needs.flatMap((need) => {
      const from = ids.get(need);
      return from === undefined ? [] : [{ from, to: id }];
    }),
  );
}

function arrange(
  nodes: readonly Node[],
  edges: readonly { from: string; to: string }[],
  direction: Direction,
  distance: { across: number; down: number },
): Map<string, Box> {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: direction, ranksep: distance.across, nodesep: distance.down });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  // It gives the middle of each node.
  return new Map(
    nodes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id) as { x: number; y: number };
      return [id, { x: x - width / 2, y: y - height / 2, width, height }];
    }),
  );
}
