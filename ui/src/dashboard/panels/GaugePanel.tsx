/** Figures on a scale with its thresholds: as an arc, or as bars. */
import { Link } from "@tanstack/react-router";
import { type FieldLook, show, stepValue } from "../fields";
import type { Field } from "../frames";
import { oneOf } from "../json";
import { type Drawn, figureOf } from "./drawn";
import css from "./panels.module.css";

/** A scale that the file does not say begins at zero and ends with the greatest value, or with 100 per cent. */
function scaleOf(look: FieldLook, values: readonly (number | null)[]): [number, number] {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const usual = look.unit === "percent" ? 100 : look.unit === "percentunit" ? 1 : Math.max(...known, ...look.steps.map((step) => step.from).filter(Number.isFinite), 0) || 1;
  const low = look.min ?? Math.min(0, ...known);
  const high = look.max ?? usual;
  return [low, high > low ? high : low + 1];
}

const share = (value: number | null, [low, high]: [number, number]) => Math.min(1, Math.max(0, ((value ?? low) - low) / (high - low)));

function Value({ field, text, colour, drawn: { factsOf, span } }: { field: Field; text: string; colour: string | null; drawn: Drawn }) {
  const facts = factsOf(field.query, field.labels, field.times.at(-1) ?? span.until);
  const style = { color: colour?.startsWith("var(") ? colour : "var(--text)" };
  if (facts === null) return <span style={style}>{text}</span>;
  return (
    <Link to="/facts" search={facts} style={style} title="The facts behind it">
      {text}
    </Link>
  );
}

const sweep = Math.PI * 1.4;

/** A range of the ring, from 0 to 1 of the scale. */
function arc(from: number, to: number, radius: number): string {
  const at = (part: number) => {
    const angle = Math.PI / 2 + (2 * Math.PI - sweep) / 2 + part * sweep;
    return `${(60 + radius * Math.cos(angle)).toFixed(2)} ${(60 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${at(from)}A${radius} ${radius} 0 ${(to - from) * sweep > Math.PI ? 1 : 0} 1 ${at(to)}`;
}

export function GaugePanel(drawn: Drawn) {
  const { panel, fields, height } = drawn;
  const figures = fields.slice(0, 12).map((field) => ({ field, value: figureOf(panel, field) }));
  return (
    <div className={css.gauges} style={{ height }}>
      {figures.map(({ field, value }) => {
        const scale = scaleOf(field.look, [value]);
        const { text, colour } = show(value, field.look);
        const steps = field.look.steps.map((step) => ({ ...step, from: share(stepValue(step, field.look), scale) }));
        return (
          <div key={field.key} className={css.gauge}>
            <svg viewBox="0 0 120 100" aria-hidden="true">
              <path d={arc(0, 1, 46)} className={css.ring} />
              {value === null ? null : <path d={arc(0, Math.max(0.002, share(value, scale)), 46)} className={css.ring} style={{ stroke: colour ?? "var(--accent)" }} />}
              {steps.length > 1
                ? steps.map((step, index) => <path key={step.from} d={arc(step.from, steps[index + 1]?.from ?? 1, 56)} className={css.scale} style={{ stroke: step.colour }} />)
                : null}
            </svg>
            <div className={css.gaugeValue}>
              <Value field={field} text={text} colour={colour} drawn={drawn} />
            </div>
            {figures.length > 1 ? <div className={css.statName}>{field.name}</div> : null}
          </div>
        );
      })}
    </div>
  );
}

export function BarGaugePanel(drawn: Drawn) {
  const { panel, fields, height } = drawn;
  const figures = fields.slice(0, 40).map((field) => ({ field, value: figureOf(panel, field) }));
  const upright = oneOf(panel.options.orientation, "auto", "horizontal", "vertical") === "vertical";
  const look = fields[0]?.look;
  const scale = look === undefined ? ([0, 1] as [number, number]) : scaleOf(look, figures.map(({ value }) => value));
  return (
    // It may scroll, so the keyboard has to be able to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.bars} style={{ height }} data-upright={upright} role="group" aria-label={drawn.title} tabIndex={0}>
      {figures.map(({ field, value }) => {
        const { text, colour } = show(value, field.look);
        const size = `${(share(value, scale) * 100).toFixed(2)}%`;
        return (
          <div key={field.key} className={css.bar}>
            <span className={css.barName} title={field.name}>
              {field.name}
            </span>
            <span className={css.track}>
              <span style={{ [upright ? "height" : "width"]: size, background: colour ?? "var(--accent)" }} />
            </span>
            <span className={css.barValue}>
              <Value field={field} text={text} colour={null} drawn={drawn} />
            </span>
          </div>
        );
      })}
    </div>
  );
}
