/** One figure of the last 30 days, as the server gives it. */
import type { Figure } from "../../api/types";
import { FigureCard as Card } from "../../parts/FigureCard";
import { figure as written, preciselyInWords } from "../../parts/words";

export function FigureCard({ figure }: { figure: Figure }) {
  const { title, definition, value, before, better, unit } = figure;
  const points = figure.points.map((point) => point.value);
  return <Card figure={{ title, definition, value, before, better, points, format: formatOf(unit), difference: differenceOf(unit) }} />;
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
