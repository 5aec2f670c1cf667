/** Reads Grafana's dashboard files, the present form and the older one with rows around panels. */
import { readDuration } from "../time/step";
import { readFieldConfig } from "./fields";
import { flag, type Json, list, number, oneOf, record, text } from "./json";
import { type Dashboard, type Panel, type PanelKind, panelKinds, type Place, type Row, type Target, type Variable, type VariableKind } from "./model";

export function readDashboard(value: unknown): Dashboard {
  const file = record(value);
  const notes: string[] = [];
  const time = record(file.time);
  const shownAnnotations = list(record(file.annotations).list).filter((one) => record(one).builtIn !== 1 && record(one).enable !== false);
  if (shownAnnotations.length > 0) notes.push("Annotations are not drawn.");
  const variables = list(record(file.templating).list).flatMap((one) => readVariable(record(one), notes));
  const rows = readRows(file);
  return {
    uid: text(file.uid),
    title: text(file.title, "Without a title"),
    description: text(file.description),
    tags: list(file.tags).map((tag) => text(tag)).filter((tag) => tag !== ""),
    range: { from: text(time.from, "now-6h"), to: text(time.to, "now") },
    refresh: readRefresh(file.refresh),
    variables,
    rows,
    notes,
  };
}

function readRefresh(value: unknown): number | null {
  const seconds = readDuration(text(value));
  return seconds === null || seconds <= 0 ? null : Math.max(seconds, 1);
}

function readRows(file: Json): Row[] {
  const old = list(file.rows).map(record);
  const panels = list(file.panels).map(record);
  return old.length > 0 && panels.length === 0 ? readOldRows(old) : readPanels(panels);
}

function readPanels(panels: Json[]): Row[] {
  const rows: Row[] = [];
  const begin = (row: Omit<Row, "panels" | "key">): Row => {
    const made = { ...row, key: `row ${rows.length}`, panels: [] };
    rows.push(made);
    return made;
  };
  const inOrder = panels.toSorted((a, b) => placeOf(a).y - placeOf(b).y || placeOf(a).x - placeOf(b).x);
  let row: Row | undefined;
  inOrder.forEach((panel, index) => {
    if (panel.type === "row") {
      row = begin({ title: text(panel.title, "Row"), collapsed: flag(panel.collapsed), repeat: text(panel.repeat) });
      for (const [at, inner] of list(panel.panels).map(record).entries()) row.panels.push(readPanel(inner, `${index}.${at}`));
      return;
    }
    row ??= begin({ title: null, collapsed: false, repeat: "" });
    row.panels.push(readPanel(panel, String(index)));
  });
  return rows.map((each) => ({ ...each, panels: fromTheTop(each.panels) }));
}

/** Rows as they were before version 16: panels beside each other, their width in twelfths. */
function readOldRows(rows: Json[]): Row[] {
  return rows.map((row, index) => {
    const height = Math.max(4, Math.round((number(text(row.height).replace("px", "")) ?? 250) / 38));
    let [x, y] = [0, 0];
    const panels = list(row.panels).map((one, at) => {
      const w = Math.min(24, Math.max(2, Math.round((number(record(one).span) ?? 12) * 2)));
      if (x + w > 24) [x, y] = [0, y + height];
      const panel = readPanel({ ...record(one), gridPos: { x, y, w, h: height } }, `${index}.${at}`);
      x += w;
      return panel;
    });
    const titled = flag(row.showTitle) || flag(row.collapse) || rows.length > 1;
    return { key: `row ${index}`, title: titled ? text(row.title, "Row") : null, collapsed: flag(row.collapse), repeat: text(row.repeat), panels };
  });
}

/** Places within a row count from the row's own top. */
function fromTheTop(panels: Panel[]): Panel[] {
  const top = Math.min(...panels.map((panel) => panel.place.y));
  return panels.map((panel) => ({ ...panel, place: { ...panel.place, y: panel.place.y - top } }));
}

function placeOf(panel: Json): Place {
  const place = record(panel.gridPos);
  const w = Math.min(24, Math.max(1, number(place.w) ?? 12));
  return { x: Math.min(24 - w, Math.max(0, number(place.x) ?? 0)), y: Math.max(0, number(place.y) ?? 0), w, h: Math.min(80, Math.max(1, number(place.h) ?? 8)) };
}

/** Types that went by another name. */
const renamed: Record<string, PanelKind> = {
  graph: "timeseries",
  singlestat: "stat",
  "grafana-singlestat-panel": "stat",
  "table-old": "table",
  "grafana-piechart-panel": "piechart",
  "status-history": "state-timeline",
};

function kindOf(type: string): PanelKind {
  return renamed[type] ?? panelKinds.find((kind) => kind === type) ?? "unknown";
}

const knownTransformations = new Set(["organize", "merge", "joinByField", "seriesToColumns", "sortBy", "limit", "labelsToFields", "reduce"]);

function readPanel(panel: Json, key: string): Panel {
  const type = text(panel.type, "unknown");
  const kind = kindOf(type);
  const notes: string[] = [];
  const transformations = list(panel.transformations)
    .map(record)
    .filter((one) => one.disabled !== true)
    .map((one) => ({ id: text(one.id), options: record(one.options) }));
  for (const { id } of transformations) {
    if (!knownTransformations.has(id)) notes.push(`The transformation ${id} is not applied.`);
  }
  if (kind !== "table" && transformations.some(({ id }) => knownTransformations.has(id))) notes.push("Transformations are applied in tables alone.");
  if (type === "graph" || type === "singlestat") notes.push(`It is of the old type ${type}, so some of its settings are not read.`);
  const targets = list(panel.targets).map(record);
  const readable = targets.filter((target) => target.hide !== true && text(target.expr) !== "");
  if (targets.some((target) => target.hide !== true && text(target.expr) === "" && target.type !== undefined)) notes.push("Expressions over other queries are not worked out.");
  const { defaults } = readFieldConfig(panel.fieldConfig);
  return {
    key,
    id: text(panel.id, key),
    kind,
    type,
    title: text(panel.title),
    description: text(panel.description),
    place: placeOf(panel),
    targets: readable.map((target, index) => readTarget(target, index)),
    field: kind === "timeseries" && type === "graph" ? oldGraph(panel) : { ...readFieldConfig(panel.fieldConfig), defaults: { ...(text(panel.format) === "" ? {} : { unit: panel.format }), ...defaults } },
    options: record(panel.options),
    repeat: text(panel.repeat),
    repeatDirection: oneOf(panel.repeatDirection, "h", "v"),
    repeatMost: number(panel.maxPerRow) ?? 4,
    transformations,
    interval: readDuration(text(panel.interval)) ?? 0,
    mostPoints: number(panel.maxDataPoints),
    source: sourceOf(panel.datasource),
    scope: {},
    notes,
  };
}

/** The settings of the panel that Grafana had before `timeseries`, as far as they have the same meaning. */
function oldGraph(panel: Json) {
  const bars = flag(panel.bars);
  const defaults = {
    unit: text(record(list(panel.yaxes)[0]).format),
    custom: {
      drawStyle: bars ? "bars" : flag(panel.lines, true) ? "line" : "points",
      fillOpacity: bars ? 85 : (number(panel.fill) ?? 1) * 10,
      lineWidth: number(panel.linewidth) ?? 1,
      stacking: { mode: flag(panel.stack) ? (flag(panel.percentage) ? "percent" : "normal") : "none" },
      spanNulls: panel.nullPointMode === "connected",
    },
  };
  return { defaults, overrides: [] };
}

function readTarget(target: Json, index: number): Target {
  return {
    refId: text(target.refId, String.fromCharCode(65 + index)),
    query: text(target.expr),
    legend: text(target.legendFormat),
    instant: flag(target.instant) && !flag(target.range),
    format: oneOf(target.format, "time_series", "table", "heatmap"),
    interval: text(target.interval),
    source: sourceOf(target.datasource),
  };
}

/** A data source as a panel names it: by name in old files, by uid in new ones. */
function sourceOf(value: unknown): string {
  return typeof value === "string" ? value : text(record(value).uid);
}

function readVariable(variable: Json, notes: string[]): Variable[] {
  const kinds: VariableKind[] = ["query", "custom", "constant", "interval", "textbox", "datasource"];
  const kind = kinds.find((one) => one === variable.type);
  const name = text(variable.name);
  if (kind === undefined || name === "") {
    notes.push(`The variable ${name === "" ? "without a name" : name} is of the kind ${text(variable.type, "unknown")}, which is not read.`);
    return [];
  }
  const query = record(variable.query);
  const { value } = record(variable.current);
  return [
    {
      name,
      label: text(variable.label) || name,
      kind,
      query: text(variable.query) || text(query.query) || text(variable.definition),
      regex: text(variable.regex),
      sort: number(variable.sort) ?? 0,
      multi: flag(variable.multi),
      includeAll: flag(variable.includeAll),
      allValue: text(variable.allValue),
      hidden: variable.hide === 2 || kind === "constant" ? "whole" : variable.hide === 1 ? "label" : "no",
      current: (Array.isArray(value) ? value : [value]).map((one) => text(one)).filter((one) => one !== ""),
      options: list(variable.options).map((one) => ({ text: text(record(one).text), value: text(record(one).value) })),
      auto: flag(variable.auto) ? (number(variable.auto_count) ?? 30) : null,
      autoLeast: text(variable.auto_min, "10s"),
      source: sourceOf(variable.datasource),
    },
  ];
}
