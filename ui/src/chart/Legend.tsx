/** The names of a chart's series: a click shows one alone, with Ctrl or Shift it leaves one out. */
import css from "./chart.module.css";
import type { ChartSeries } from "./series";

export interface LegendColumn {
  title: string;
  of: (series: ChartSeries) => string;
}

interface LegendProps {
  series: readonly ChartSeries[];
  hidden: ReadonlySet<string>;
  onHide: (hidden: ReadonlySet<string>) => void;
  /** As a table with these figures; as a line of names without. */
  columns?: readonly LegendColumn[];
}

export function Legend({ series, hidden, onHide, columns }: LegendProps) {
  function choose(key: string, one: boolean): void {
    const keys = series.map((each) => each.key);
    if (one) {
      onHide(new Set(hidden.has(key) ? [...hidden].filter((each) => each !== key) : [...hidden, key]));
      return;
    }
    const others = keys.filter((each) => each !== key);
    const alone = !hidden.has(key) && others.every((each) => hidden.has(each));
    onHide(new Set(alone ? [] : others));
  }
  const name = (one: ChartSeries) => (
    <button
      type="button"
      className={css.name}
      aria-pressed={!hidden.has(one.key)}
      title={`${one.name}: show alone; with Ctrl, leave out`}
      onClick={(event) => choose(one.key, event.ctrlKey || event.metaKey || event.shiftKey)}
    >
      <span className={css.swatch} style={{ background: one.colour }} />
      <span>{one.name}</span>
    </button>
  );
  if (columns === undefined) {
    return (
      <ul className={css.legend} aria-label="Series">
        {series.map((one) => (
          <li key={one.key}>{name(one)}</li>
        ))}
      </ul>
    );
  }
  return (
    // It scrolls, so the keyboard has to be able to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.legendTable} role="group" aria-label="Series" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Series</th>
            {columns.map((column) => (
              <th key={column.title} scope="col">
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {series.map((one) => (
            <tr key={one.key}>
              <td>{name(one)}</td>
              {columns.map((column) => (
                <td key={column.title}>{column.of(one)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
