/** Shares of a whole. */
import { Link } from "@tanstack/react-router";
import { colourByMeaning } from "../../chart/colours";
import { format } from "../../units/format";
import { colourOfSeries, show } from "../fields";
import { type Drawn, figureOf } from "./drawn";
import css from "./panels.module.css";

const mostSlices = 16;

export function PiePanel({ panel, title, fields, height, span, factsOf }: Drawn) {
  const all = fields
    .map((field, index) => {
      const value = Math.max(0, figureOf(panel, field) ?? 0);
      const own = colourOfSeries(field.look, index, null);
      const shown = show(value, field.look);
      return { field, value, text: shown.text, colour: field.look.colourMode === "fixed" ? own : colourByMeaning(field.labels, index) };
    })
    .filter((slice) => slice.value > 0)
    .toSorted((a, b) => b.value - a.value);
  const sum = all.reduce((total, slice) => total + slice.value, 0);
  const slices = all.slice(0, mostSlices);
  const rest = all.slice(mostSlices).reduce((total, slice) => total + slice.value, 0);
  const isRing = panel.options.pieType === "donut";
  const parts = [...slices.map(({ field, value, colour }) => ({ key: field.key, value, colour })), ...(rest > 0 ? [{ key: "rest", value: rest, colour: "var(--series-8)" }] : [])];
  let turn = 0;
  return (
    <div className={css.pie} style={{ height }}>
      <svg viewBox="-50 -50 100 100" role="img" aria-label={`${title}: ${slices.map(({ field, value }) => `${field.name} ${format(value / sum, { unit: "percentunit", decimals: 0 })}`).join(", ")}`}>
        {parts.map(({ key, value, colour }) => {
          const from = turn;
          turn += value / sum;
          return <path key={key} d={slice(from, turn, isRing ? 28 : 0)} fill={colour} stroke="var(--surface)" strokeWidth={0.8} />;
        })}
      </svg>
      <ul>
        {slices.map(({ field, value, text, colour }) => {
          const facts = factsOf(field.query, field.labels, field.times.at(-1) ?? span.until);
          return (
            <li key={field.key}>
              <span className={css.swatch} style={{ background: colour }} />
              <span className={css.pieName}>{field.name}</span>
              <span className="figures">{facts === null ? text : <Link to="/facts" search={facts}>{text}</Link>}</span>
              <span className={css.dim}>{format(value / sum, { unit: "percentunit", decimals: 0 })}</span>
            </li>
          );
        })}
        {rest > 0 ? (
          <li>
            <span className={css.swatch} style={{ background: "var(--series-8)" }} />
            <span className={css.pieName}>{all.length - mostSlices} others</span>
            <span className={css.dim}>{format(rest / sum, { unit: "percentunit", decimals: 0 })}</span>
          </li>
        ) : null}
      </ul>
    </div>
  );
}

/** Between two parts of a turn, from the top. */
function slice(from: number, to: number, inner: number): string {
  // A whole turn would end where it begins, and so be nothing.
  const end = Math.min(to, from + 0.99999);
  const at = (part: number, radius: number) => `${(radius * Math.sin(part * 2 * Math.PI)).toFixed(3)} ${(-radius * Math.cos(part * 2 * Math.PI)).toFixed(3)}`;
  const large = end - from > 0.5 ? 1 : 0;
  const outer = `M${at(from, 48)}A48 48 0 ${large} 1 ${at(end, 48)}`;
  return inner === 0 ? `${outer}L0 0Z` : `${outer}L${at(end, inner)}A${inner} ${inner} 0 ${large} 0 ${at(from, inner)}Z`;
}
