/** What the explore page shows, as its address says it. */
import { duration, oneOf, type SearchOf, string } from "../../search";

const views = ["graph", "table"] as const;
const drawings = ["lines", "bars", "stack"] as const;
export type View = (typeof views)[number];
export type Drawing = (typeof drawings)[number];

/** The first query is `q`, the others `q2`, `q3` and so on. */
const queryNames = ["q", "q2", "q3", "q4", "q5", "q6", "q7", "q8"] as const;
export const mostQueries = queryNames.length;

const queries = { q: string, q2: string, q3: string, q4: string, q5: string, q6: string, q7: string, q8: string };
export const exploreSchema = { ...queries, source: string, view: oneOf(...views), draw: oneOf(...drawings), step: duration };
export type ExploreSearch = SearchOf<typeof exploreSchema>;

export interface Explored {
  queries: readonly string[];
  source: string;
  view: View;
  drawing: Drawing;
  /** As in "1d"; empty leaves it to the page. */
  step: string;
}

/** What it shows before anything is asked. */
export const firstExplored: Explored = { queries: [""], source: "", view: "graph", drawing: "lines", step: "" };

export function readExplored(search: ExploreSearch): Explored {
  const asked = queryNames.map((name) => search[name]).filter((query) => query !== undefined);
  return {
    queries: asked.length === 0 ? [""] : asked,
    source: search.source ?? "",
    view: search.view ?? "graph",
    drawing: search.draw ?? "lines",
    step: search.step ?? "",
  };
}

export function writeExplored({ queries: asked, source, view, drawing, step }: Explored): ExploreSearch {
  return {
    ...Object.fromEntries(queryNames.map((name, index) => [name, string(asked[index])])),
    source: string(source),
    view: view === "graph" ? undefined : view,
    draw: drawing === "lines" ? undefined : drawing,
    step: string(step),
  };
}
