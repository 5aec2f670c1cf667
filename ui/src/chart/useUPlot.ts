/** uPlot, fetched when the first chart is drawn. */
import { use } from "react";
import type uPlot from "uplot";

type Maker = typeof uPlot;

let asked: Promise<Maker> | undefined;

function load(): Promise<Maker> {
  asked ??= Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(([module]) => (module as unknown as { default: Maker }).default);
  return asked;
}

/** Suspends until it is there. */
export function useUPlot(): Maker {
  return use(load());
}
