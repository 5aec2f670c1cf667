/** The way a figure went, as a line without axes. Days without data leave a gap. */
import css from "./Sparkline.module.css";

const width = 160;
const height = 36;
const inset = 3;

export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return <div className={css.none}>too little data for a line</div>;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const x = (index: number) => inset + (index / (values.length - 1)) * (width - 2 * inset);
  const y = (value: number) => height - inset - ((value - low) / span) * (height - 2 * inset);

  let path = "";
  let last: { x: number; y: number } | undefined;
  let drawing = false;
  values.forEach((value, index) => {
    if (value === null) {
      drawing = false;
      return;
    }
    last = { x: x(index), y: y(value) };
    path += `${drawing ? "L" : "M"}${last.x.toFixed(1)} ${last.y.toFixed(1)}`;
    drawing = true;
  });
  return (
    <svg className={css.line} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} vectorEffect="non-scaling-stroke" />
      {last ? <line x1={last.x} x2={last.x} y1={last.y} y2={last.y} vectorEffect="non-scaling-stroke" /> : null}
    </svg>
  );
}
