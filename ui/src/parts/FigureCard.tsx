/** One figure: its value, its change since before and the way it went. */
import { Link } from "@tanstack/react-router";
import type { FactsSearch } from "../facts/link";
import { Delta } from "./Delta";
import css from "./FigureCard.module.css";
import { Sparkline } from "./Sparkline";

export interface ShownFigure {
  title: string;
  /** What it means, in words. */
  definition: string;
  value: number | null;
  before: number | null;
  better: "higher" | "lower" | "neither";
  /** The way it went; fewer than two leave the line out. */
  points: readonly (number | null)[];
  format: (value: number) => string;
  /** How much more or less it is than before. */
  difference: (value: number) => string;
}

interface FigureCardProps {
  figure: ShownFigure;
  /** Where the facts behind it are; null where there are none. */
  facts?: FactsSearch | null;
  /** It has not come yet. */
  waiting?: boolean;
}

export function FigureCard({ figure, facts = null, waiting = false }: FigureCardProps) {
  const { title, definition, value, before, better, points, format, difference } = figure;
  const written = value === null ? "no data" : format(value);
  return (
    <div className={css.card} title={definition} role="group" aria-label={title} aria-busy={waiting}>
      <div className={css.title}>{title}</div>
      <div className={css.values} data-waiting={waiting}>
        {facts === null || value === null ? (
          <span className={css.value}>{written}</span>
        ) : (
          <Link to="/facts" search={facts} className={css.value} title="The facts behind it">
            {written}
          </Link>
        )}
        {value === null && before === null ? null : <Delta now={value} before={before} better={better} format={difference} />}
      </div>
      <Sparkline values={points} />
      <p className="unseen">{definition}</p>
    </div>
  );
}
