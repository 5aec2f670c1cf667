/** Answers as the fields that panels draw: each series with its name and its look. */
import type { InstantAnswer, Labels, RangeAnswer } from "../api/prometheus";
import { seriesName } from "../chart/seriesName";
import { type FieldLook, lookOf } from "./fields";
import type { Panel, Target } from "./model";

export interface Field {
  key: string;
  refId: string;
  name: string;
  labels: Labels;
  times: number[];
  values: (number | null)[];
  look: FieldLook;
  /** As it was asked. */
  query: string;
  target: Target;
}

export interface Answered {
  target: Target;
  query: string;
  /** With variables filled in. */
  legend: string;
  answer: RangeAnswer | InstantAnswer;
}

export function fieldsOf(answers: readonly Answered[], panel: Panel): Field[] {
  return answers.flatMap(({ target, query, legend, answer }) => {
    const series = "series" in answer ? answer.series.map((one) => ({ ...one, times: answer.times })) : answer.rows.map(({ labels, value }) => ({ labels, values: [value], times: [answer.time] }));
    return series.flatMap(({ labels, values, times }) => {
      const given = legend === "" || legend === "__auto" ? seriesName(labels, answers.length > 1 && Object.keys(labels).length === 0 ? target.refId : query) : fromLabels(legend, labels);
      const look = lookOf(panel.field, { name: given, refId: target.refId, kind: "number" });
      if (look.hidden) return [];
      const name = look.displayName === "" ? given : displayed(look.displayName, given, labels);
      return [{ key: `${target.refId} ${JSON.stringify(labels)}`, refId: target.refId, name, labels, times, values, look, query, target }];
    });
  });
}

/** "{{outcome}} on {{branch}}" */
export function fromLabels(template: string, labels: Labels): string {
  return template.replace(/\{\{\s*([\w.:]+)\s*\}\}/g, (_, label: string) => labels[label] ?? "");
}

function displayed(template: string, name: string, labels: Labels): string {
  return template
    .replace(/\$\{__field\.labels(?:\.(\w+)|\["(\w+)"\])?\}/g, (_, plain?: string, quoted?: string) => labels[plain ?? quoted ?? ""] ?? "")
    .replace(/\$\{?__(?:series\.name|field\.(?:name|displayName))\}?/g, name);
}

export interface Bucket {
  /** The upper edge; infinity for the last. */
  edge: number;
  /** The upper edge of the one before; zero for the first. */
  above: number;
  label: string;
  /** Of what lies between this edge and the one before. */
  values: (number | null)[];
}

/** Cumulative buckets of a histogram as what lies in each, from the lowest to the highest. */
export function bucketsOf(fields: readonly Field[]): Bucket[] {
  const edged = fields
    .filter((field) => field.labels.le !== undefined)
    .map((field) => ({ edge: field.labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(field.labels.le), field }))
    .toSorted((a, b) => a.edge - b.edge);
  return edged.map(({ edge, field }, index) => {
    const below = edged[index - 1]?.field.values;
    // Rounding in the query may leave a bucket a little below the one before it.
    const values = field.values.map((value, at) => (value === null ? null : Math.max(0, value - (below?.[at] ?? 0))));
    return { edge, above: edged[index - 1]?.edge ?? 0, label: field.labels.le ?? "", values };
  });
}

export interface TableColumn {
  name: string;
  /** Of figures; without it the cell is text. */
  look: FieldLook | null;
}

export interface Table {
  columns: TableColumn[];
  rows: (string | number | null)[][];
  /** The field behind each figure, for the way to its facts; in the places of `rows`. */
  behind: (Field | null)[][];
}

/** Rows of labels and figures: the same labels of several queries share a row. */
export function tableOf(fields: readonly Field[], panel: Panel, how: (values: readonly (number | null)[]) => number | null): Table {
  const labelNames = [...new Set(fields.flatMap((field) => Object.keys(field.labels)))].filter((name) => name !== "__name__");
  const refs = [...new Set(fields.map((field) => field.refId))];
  const rows = new Map<string, { labels: Labels; fields: Map<string, Field> }>();
  for (const field of fields) {
    const { __name__: _, ...labels } = field.labels;
    const key = JSON.stringify(Object.entries(labels).toSorted());
    const row = rows.get(key) ?? { labels, fields: new Map<string, Field>() };
    row.fields.set(field.refId, field);
    rows.set(key, row);
  }
  const valueName = (ref: string) => (refs.length === 1 ? "Value" : `Value #${ref}`);
  const looks = refs.map((ref) => lookOf(panel.field, { name: valueName(ref), refId: ref, kind: "number" }));
  const whole: Table = {
    columns: [...labelNames.map((name) => ({ name, look: null })), ...refs.map((ref, index) => ({ name: valueName(ref), look: looks[index] ?? null }))],
    rows: [...rows.values()].map(({ labels, fields: own }) => [...labelNames.map((name) => labels[name] ?? ""), ...refs.map((ref) => how(own.get(ref)?.values ?? []))]),
    behind: [...rows.values()].map(({ fields: own }) => [...labelNames.map(() => null), ...refs.map((ref) => own.get(ref) ?? null)]),
  };
  return transformed(whole, panel);
}

function transformed(table: Table, panel: Panel): Table {
  let result = table;
  for (const { id, options } of panel.transformations) {
    if (id === "organize") result = organized(result, options as OrganizeOptions);
    else if (id === "sortBy") result = sortedBy(result, options as SortOptions);
    else if (id === "limit") {
      const most = Number((options as { limitField?: unknown }).limitField ?? 10);
      result = { ...result, rows: result.rows.slice(0, most), behind: result.behind.slice(0, most) };
    }
  }
  return { ...result, columns: result.columns.map((column) => named(column, panel)) };
}

function named(column: TableColumn, panel: Panel): TableColumn {
  const look = lookOf(panel.field, { name: column.name, refId: "", kind: column.look === null ? "string" : "number" });
  return { name: look.displayName || column.name, look: column.look === null ? null : { ...look, hidden: look.hidden } };
}

interface OrganizeOptions {
  excludeByName?: Record<string, boolean>;
  renameByName?: Record<string, string>;
  indexByName?: Record<string, number>;
}

function organized(table: Table, { excludeByName = {}, renameByName = {}, indexByName = {} }: OrganizeOptions): Table {
  const kept = table.columns
    .map((column, at) => ({ column, at, place: indexByName[column.name] ?? at + 1000 }))
    .filter(({ column }) => excludeByName[column.name] !== true)
    .toSorted((a, b) => a.place - b.place);
  return {
    columns: kept.map(({ column }) => ({ ...column, name: renameByName[column.name] || column.name })),
    rows: table.rows.map((row) => kept.map(({ at }) => row[at] ?? null)),
    behind: table.behind.map((row) => kept.map(({ at }) => row[at] ?? null)),
  };
}

interface SortOptions {
  sort?: { field?: string; desc?: boolean }[];
}

function sortedBy(table: Table, { sort = [] }: SortOptions): Table {
  const [first] = sort;
  const at = table.columns.findIndex((column) => column.name === first?.field);
  if (at < 0) return table;
  const order = table.rows.map((_, index) => index).toSorted((a, b) => compare(table.rows[a]?.[at] ?? null, table.rows[b]?.[at] ?? null) * (first?.desc ? -1 : 1));
  return { ...table, rows: order.map((index) => table.rows[index] ?? []), behind: order.map((index) => table.behind[index] ?? []) };
}

export function compare(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
