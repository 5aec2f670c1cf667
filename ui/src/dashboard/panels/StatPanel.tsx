/** Single figures, large, with the way they went behind them. */
import { Link } from "@tanstack/react-router";
import { show } from "../fields";
import type { Field } from "../frames";
import { oneOf } from "../json";
import { type Drawn, figureOf } from "./drawn";
import css from "./panels.module.css";

export function StatPanel({ panel, fields, height, span, factsOf }: Drawn) {
  const shown = fields.slice(0, 24);
  const mode = oneOf(panel.options.colorMode, "value", "background", "background_solid", "none");
  const text = oneOf(panel.options.textMode, "auto", "value", "value_and_name", "name", "none");
  const named = text === "value_and_name" || text === "name" || (text === "auto" && shown.length > 1);
  const graph = panel.options.graphMode === "area";
  const upright = panel.options.orientation === "horizontal";
  return (
    <div className={css.stats} style={{ height }} data-upright={upright || undefined}>
      {shown.map((field) => {
        const value = show(figureOf(panel, field), field.look);
        const tinted = mode !== "none" && value.colour !== null && value.colour.startsWith("var(");
        const whole = tinted && mode.startsWith("background");
        const facts = factsOf(field.query, field.labels, field.times.at(-1) ?? span.until);
        const style = whole ? { background: value.colour ?? undefined, color: "var(--surface)" } : { color: tinted ? (value.colour ?? undefined) : undefined };
        return (
          <div key={field.key} className={css.stat} style={style}>
            {graph && field.values.length > 1 ? <Area field={field} colour={whole ? "var(--surface)" : (value.colour ?? "var(--accent)")} /> : null}
            <div className={css.statText}>
              {facts === null ? (
                <span className={css.statValue}>{value.text}</span>
              ) : (
                <Link to="/facts" search={facts} className={css.statValue} style={{ color: "inherit" }} title="The facts behind it">
                  {value.text}
                </Link>
              )}
              {named ? <span className={css.statName}>{field.name}</span> : null}
            </div>
          </div>
        );
      })}
    </div>
  );
}

/** The way it went, without axes. */
function Area({ field, colour }: { field: Field; colour: string }) {
  const known = field.values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length < 2) return null;
  const low = Math.min(0, ...known);
  const span = Math.max(...known) - low || 1;
  const x = (index: number) => (index / (field.values.length - 1)) * 100;
  const y = (value: number) => 38 - ((value - low) / span) * 34;
  const points = field.values.flatMap((value, index) => (value === null || !Number.isFinite(value) ? [] : [`${x(index).toFixed(1)} ${y(value).toFixed(1)}`]));
  return (
    <svg className={css.area} viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true" style={{ color: colour }}>
      <path d={`M${points.join("L")}`} vectorEffect="non-scaling-stroke" fill="none" stroke="currentColor" strokeWidth={1.5} opacity={0.7} />
      <path d={`M${points[0]?.split(" ")[0] ?? 0} 40L${points.join("L")}L${points.at(-1)?.split(" ")[0] ?? 100} 40Z`} fill="currentColor" opacity={0.14} />
    </svg>
  );
}
