/** A figure of an insight, with the way to the facts that it counts. */
import type { Metric } from "../api/measure";
import { problemOf } from "../api/problem";
import type { Around } from "../dashboard/usePanelData";
import type { FactsLink } from "../facts/useFactsLink";
import { FigureCard } from "../parts/FigureCard";
import type { AskedFigure } from "./figures";
import { useFigure } from "./useFigure";

interface InsightFigureProps {
  asked: AskedFigure;
  around: Around;
  metrics: readonly Metric[];
  factsLink: FactsLink;
}

export function InsightFigure({ asked, around, metrics, factsLink }: InsightFigureProps) {
  const { figure, query, waiting, error } = useFigure(asked, around, metrics);
  const shown = error === null ? figure : { ...figure, definition: `${problemOf(error).title}. ${problemOf(error).detail ?? ""}` };
  return <FigureCard figure={shown} waiting={waiting} facts={factsLink(query, {}, around.span.until)} />;
}
