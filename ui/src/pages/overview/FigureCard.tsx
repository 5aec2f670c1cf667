/** One figure of the last 30 days: its value, its change and the way it went. */
import type { Figure } from "../../api/types";
import { Delta } from "../../parts/Delta";
import { Sparkline } from "../../parts/Sparkline";
import { figure as written, preciselyInWords } from "../../parts/words";
import css from "./FigureCard.module.css";

export function FigureCard({ figure }: { figure: Figure }) {
  const format = formatOf(figure.unit);
  return (
    <div className={css.card} title={figure.definition}>
      <h2 className={css.title}>{figure.title}</h2>
      <div className={css.values}>
        <span className={css.value}>{figure.value === null ? "no data" : format(figure.value)}</span>
        <Delta now={figure.value} before={figure.before} better={figure.better} format={differenceOf(figure.unit)} />
      </div>
      <Sparkline values={figure.points.map((point) => point.value)} />
      <p className="unseen">{figure.definition}</p>
    </div>
  );
}

function formatOf(unit: string): (value: number) => string {
  if (unit === "ratio") return (value) => `${(value * 100).toFixed(value === 1 || value === 0 ? 0 : 1)} %`;
  if (unit === "seconds") return preciselyInWords;
  return (value) => written(Math.round(value));
}

/** A difference of two ratios is in points, not in per cent. */
function differenceOf(unit: string): (value: number) => string {
  if (unit === "ratio") return (value) => `${(value * 100).toFixed(1)} points`;
  return formatOf(unit);
}
