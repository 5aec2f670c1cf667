/** A dashboard as this page draws it: what a Grafana file says, without what has no meaning here. */
import type { TimeRange } from "../time/range";
import type { FieldConfig } from "./fields";
import type { Json } from "./json";

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  range: TimeRange;
  /** Seconds between two readings; null leaves it to events. */
  refresh: number | null;
  variables: Variable[];
  rows: Row[];
  /** What the file asks for and this page does not do. */
  notes: string[];
}

export interface Row {
  key: string;
  /** Null for what stands before the first row. */
  title: string | null;
  collapsed: boolean;
  /** The variable whose values each have a row of their own; empty for none. */
  repeat: string;
  panels: Panel[];
}

/** Grid of 24 columns; a unit of height is 30 px and 8 px of gap. */
export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Panel {
  key: string;
  id: string;
  kind: PanelKind;
  /** As the file has it. */
  type: string;
  title: string;
  description: string;
  place: Place;
  targets: Target[];
  field: FieldConfig;
  options: Json;
  repeat: string;
  repeatDirection: "h" | "v";
  repeatMost: number;
  transformations: Transformation[];
  /** The least seconds between two points; 0 for any. */
  interval: number;
  mostPoints: number | null;
  source: string;
  /** Values that variables have in this panel alone, where it is one of a repeated kind. */
  scope: Record<string, string>;
  notes: string[];
}

export const panelKinds = ["timeseries", "stat", "gauge", "bargauge", "table", "heatmap", "state-timeline", "piechart", "text"] as const;
export type PanelKind = (typeof panelKinds)[number] | "unknown";

export interface Target {
  refId: string;
  query: string;
  legend: string;
  instant: boolean;
  format: "time_series" | "table" | "heatmap";
  /** Seconds, or text with variables in it. */
  interval: string;
  source: string;
}

export interface Transformation {
  id: string;
  options: Json;
}

export type VariableKind = "query" | "custom" | "constant" | "interval" | "textbox" | "datasource";

export interface Option {
  text: string;
  value: string;
}

export interface Variable {
  name: string;
  label: string;
  kind: VariableKind;
  /** What its values come from: a question, a list, a word. */
  query: string;
  regex: string;
  /** Grafana's figure: 0 as they come, 1 and 2 by letter, 3 and 4 by number, 5 to 8 without case. */
  sort: number;
  multi: boolean;
  includeAll: boolean;
  /** What All stands for, where it is not every value. */
  allValue: string;
  hidden: "no" | "label" | "whole";
  current: string[];
  options: Option[];
  /** An interval may be left to the page: as many points as this over the range. */
  auto: number | null;
  autoLeast: string;
  source: string;
}

/** What stands for every value at once. */
export const all = "$__all";
export const autoInterval = "$__auto";
