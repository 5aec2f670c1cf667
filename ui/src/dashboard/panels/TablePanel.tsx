/** Labels and figures in rows. */
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { Icon } from "../../parts/Icon";
import { figure } from "../../parts/words";
import { show } from "../fields";
import { compare, type Field, type Table, tableOf } from "../frames";
import { record, text } from "../json";
import { reduce } from "../reduce";
import type { Drawn } from "./drawn";
import css from "./panels.module.css";

const mostRows = 300;

export function TablePanel(drawn: Drawn) {
  const { panel, fields } = drawn;
  const table = useMemo(() => tableOf(fields, panel, (values) => reduce(values, "lastNotNull")), [fields, panel]);
  return <ValueTable table={table} drawn={drawn} />;
}

/** What any drawing shows, as a table: a row for each time, the newest on top. */
export function AsTable(drawn: Drawn) {
  const { fields } = drawn;
  const table = useMemo<Table>(() => {
    const longest = fields.reduce<Field | undefined>((found, field) => (found === undefined || field.times.length > found.times.length ? field : found), undefined);
    const times = longest?.times ?? [];
    return {
      columns: [{ name: "Time", look: null }, ...fields.map((field) => ({ name: field.name, look: field.look }))],
      rows: times.map((time, index) => [written(time), ...fields.map((field) => (field.times.length === times.length ? (field.values[index] ?? null) : null))]).toReversed(),
      behind: times.map(() => []),
    };
  }, [fields]);
  return <ValueTable table={table} drawn={drawn} />;
}

function written(time: number): string {
  return new Date(time * 1000).toISOString().replace("T", " ").replace(/:00\.000Z$/, "");
}

function ValueTable({ table, drawn: { title, height, span, factsOf } }: { table: Table; drawn: Drawn }) {
  const [sort, setSort] = useState<{ at: number; down: boolean } | null>(null);
  const order = useMemo(() => {
    const places = table.rows.map((_, index) => index);
    if (sort === null) return places;
    return places.toSorted((a, b) => compare(table.rows[a]?.[sort.at] ?? null, table.rows[b]?.[sort.at] ?? null) * (sort.down ? -1 : 1));
  }, [table, sort]);
  const seen = table.columns.map((column, at) => ({ column, at })).filter(({ column }) => column.look?.hidden !== true);
  return (
    // It scrolls, so the keyboard has to be able to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.tableBox} style={{ maxHeight: height }} role="group" aria-label={title} tabIndex={0}>
      <table className={css.table}>
        <thead>
          <tr>
            {seen.map(({ column, at }) => (
              <th key={column.name} scope="col" data-figure={column.look !== null} aria-sort={sort?.at === at ? (sort.down ? "descending" : "ascending") : undefined}>
                <button type="button" onClick={() => setSort(sort?.at !== at ? { at, down: column.look !== null } : sort.down === (column.look !== null) ? { at, down: !sort.down } : null)}>
                  {column.name}
                  {sort?.at === at ? <Icon name={sort.down ? "down" : "up"} size={12} /> : null}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.slice(0, mostRows).map((index) => {
            return (
              <tr key={index}>
                {seen.map(({ column, at }) => {
                  const value = table.rows[index]?.[at] ?? null;
                  if (column.look === null || typeof value === "string") return <td key={column.name}>{value}</td>;
                  const shown = show(value, column.look);
                  const field = value === null ? null : (table.behind[index]?.[at] ?? null);
                  const facts = field === null ? null : factsOf(field.query, field.labels, field.times.at(-1) ?? span.until);
                  const cell = text(record(column.look.custom.cellOptions).type) || text(column.look.custom.displayMode);
                  const tint = shown.colour?.startsWith("var(") ? shown.colour : undefined;
                  const style = cell === "color-background" && tint ? { background: tint, color: "var(--surface)" } : cell === "color-text" && tint ? { color: tint } : undefined;
                  return (
                    <td key={column.name} data-figure="true" style={style}>
                      {facts !== null ? (
                        <Link to="/facts" search={facts} {...(style ? { style: { color: "inherit" } } : {})} title="The facts behind it">
                          {shown.text}
                        </Link>
                      ) : (
                        shown.text
                      )}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
      {order.length > mostRows ? <p className={css.more}>The first {figure(mostRows)} of {figure(order.length)} rows.</p> : null}
    </div>
  );
}
