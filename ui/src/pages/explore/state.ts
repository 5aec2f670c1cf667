/** What the explore page shows, as its address says it. */

export type View = "graph" | "table";
export type Drawing = "lines" | "bars" | "stack";

export interface Explored {
  queries: string[];
  source: string;
  view: View;
  drawing: Drawing;
  /** As in "1d"; empty leaves it to the page. */
  step: string;
}

type Search = Record<string, string | undefined>;

export const mostQueries = 8;

/** The first query is `q`, the others `q2`, `q3` and so on. */
const keyOf = (index: number) => (index === 0 ? "q" : `q${index + 1}`);

export function readExplored(search: Search): Explored {
  const queries: string[] = [];
  for (let index = 0; index < mostQueries; index += 1) {
    const query = search[keyOf(index)];
    if (query !== undefined) queries.push(query);
  }
  return {
    queries: queries.length === 0 ? [""] : queries,
    source: search.source ?? "",
    view: search.view === "table" ? "table" : "graph",
    drawing: search.draw === "bars" || search.draw === "stack" ? search.draw : "lines",
    step: search.step ?? "",
  };
}

export function writeExplored(previous: Search, { queries, source, view, drawing, step }: Explored): Search {
  const next: Search = { ...previous };
  for (let index = 0; index < mostQueries; index += 1) next[keyOf(index)] = queries[index] === "" ? undefined : queries[index];
  return {
    ...next,
    source: source === "" ? undefined : source,
    view: view === "graph" ? undefined : view,
    draw: drawing === "lines" ? undefined : drawing,
    step: step === "" ? undefined : step,
  };
}
