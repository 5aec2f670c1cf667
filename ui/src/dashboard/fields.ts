/** How a value looks: unit, digits, thresholds, mappings and what overrides say for single series. */
import { colourOf, seriesColour } from "../chart/colours";
import { format } from "../units/format";
import { type Json, list, number, record, text } from "./json";

export interface FieldConfig {
  defaults: Json;
  overrides: { matcher: { id: string; options: unknown }; properties: { id: string; value: unknown }[] }[];
}

/** What of a series overrides look at. */
export interface FieldName {
  name: string;
  refId: string;
  kind: "number" | "string" | "time";
}

export interface Step {
  /** Minus infinity for the first. */
  from: number;
  colour: string;
}

export interface FieldLook {
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  displayName: string;
  noValue: string;
  steps: Step[];
  percentage: boolean;
  mappings: Mapping[];
  colourMode: string;
  fixedColour: string;
  hidden: boolean;
  custom: Json;
}

type Mapping =
  | { kind: "value"; values: Record<string, Mapped> }
  | { kind: "range"; from: number; to: number; result: Mapped }
  | { kind: "pattern"; pattern: RegExp; result: Mapped }
  | { kind: "special"; match: string; result: Mapped };

interface Mapped {
  text: string | null;
  colour: string | null;
}

export function readFieldConfig(value: unknown): FieldConfig {
  const config = record(value);
  return {
    defaults: record(config.defaults),
    overrides: list(config.overrides).map((one) => ({
      matcher: { id: text(record(record(one).matcher).id), options: record(record(one).matcher).options },
      properties: list(record(one).properties).map((property) => ({ id: text(record(property).id), value: record(property).value })),
    })),
  };
}

function matches({ id, options }: { id: string; options: unknown }, field: FieldName): boolean {
  switch (id) {
    case "byName":
      return text(options) === field.name;
    case "byRegexp":
      return readPattern(text(options))?.test(field.name) ?? false;
    case "byFrameRefID":
      return text(options) === field.refId;
    case "byType":
      return text(options) === field.kind;
    case "byNames":
      return list(record(options).names).includes(field.name);
    default:
      return false;
  }
}

/** "/a|b/i" or "a|b"; null where it cannot be read. */
export function readPattern(written: string): RegExp | null {
  const slashed = /^\/(.*)\/([gimsu]*)$/s.exec(written);
  try {
    return slashed ? new RegExp(slashed[1] ?? "", (slashed[2] ?? "").replace("g", "")) : new RegExp(written);
  } catch {
    return null;
  }
}

/** What holds for one series: the defaults, then each override that means it, in their order. */
export function lookOf({ defaults, overrides }: FieldConfig, field: FieldName): FieldLook {
  const said: Json = { ...defaults, custom: { ...record(defaults.custom) } };
  const custom = record(said.custom);
  for (const { matcher, properties } of overrides) {
    if (!matches(matcher, field)) continue;
    for (const { id, value } of properties) {
      if (id.startsWith("custom.")) custom[id.slice(7)] = value;
      else said[id] = value;
    }
  }
  const thresholds = record(said.thresholds);
  const colour = record(said.color);
  const hide = record(custom.hideFrom);
  return {
    unit: text(said.unit),
    decimals: number(said.decimals),
    min: number(said.min),
    max: number(said.max),
    displayName: text(said.displayName),
    noValue: text(said.noValue),
    steps: readSteps(thresholds.steps),
    percentage: thresholds.mode === "percentage",
    mappings: list(said.mappings).flatMap(readMapping),
    colourMode: text(colour.mode),
    fixedColour: text(colour.fixedColor),
    hidden: hide.viz === true || custom.hidden === true,
    custom,
  };
}

function readSteps(value: unknown): Step[] {
  return list(value)
    .map((one) => ({ from: number(record(one).value) ?? Number.NEGATIVE_INFINITY, colour: colourOf(text(record(one).color, "green")) }))
    .toSorted((a, b) => a.from - b.from);
}

function readMapping(value: unknown): Mapping[] {
  const { type, options } = record(value);
  const said = record(options);
  const result = readMapped(said.result);
  switch (type) {
    case "value":
      return [{ kind: "value", values: Object.fromEntries(Object.entries(said).map(([key, one]) => [key, readMapped(one)])) }];
    case "range":
      return [{ kind: "range", from: number(said.from) ?? Number.NEGATIVE_INFINITY, to: number(said.to) ?? Number.POSITIVE_INFINITY, result }];
    case "regex": {
      const pattern = readPattern(text(said.pattern));
      return pattern === null ? [] : [{ kind: "pattern", pattern, result }];
    }
    case "special":
      return [{ kind: "special", match: text(said.match), result }];
    default:
      return [];
  }
}

function readMapped(value: unknown): Mapped {
  const { text: words, color } = record(value);
  return { text: typeof words === "string" && words !== "" ? words : null, colour: typeof color === "string" ? colourOf(color) : null };
}

export function mapped(value: number | string | null, mappings: readonly Mapping[]): Mapped | null {
  for (const mapping of mappings) {
    switch (mapping.kind) {
      case "value": {
        const found = mapping.values[String(value)];
        if (found !== undefined) return found;
        break;
      }
      case "range":
        if (typeof value === "number" && value >= mapping.from && value <= mapping.to) return mapping.result;
        break;
      case "pattern":
        if (typeof value === "string" && mapping.pattern.test(value)) return mapping.result;
        break;
      case "special":
        if (isSpecial(value, mapping.match)) return mapping.result;
        break;
    }
  }
  return null;
}

function isSpecial(value: number | string | null, match: string): boolean {
  const isNan = typeof value === "number" && Number.isNaN(value);
  switch (match) {
    case "null":
      return value === null;
    case "nan":
      return isNan;
    case "null+nan":
      return value === null || isNan;
    case "empty":
      return value === "";
    default:
      return String(value) === match;
  }
}

/** The colour of the highest step that the value has reached; null where there are no steps. */
export function stepColour(value: number, look: FieldLook): string | null {
  let colour: string | null = null;
  for (const step of look.steps) if (stepValue(step, look) <= value) colour = step.colour;
  return colour ?? look.steps[0]?.colour ?? null;
}

/** Where a step begins in the series' own figures: steps may be in per cent of the whole scale. */
export function stepValue(step: Step, { percentage, min, max }: FieldLook): number {
  if (!percentage || step.from === Number.NEGATIVE_INFINITY) return step.from;
  return (min ?? 0) + (step.from / 100) * ((max ?? 100) - (min ?? 0));
}

export interface ShownValue {
  text: string;
  /** By mapping, threshold, or as the file fixes it; null leaves it to the drawing. */
  colour: string | null;
}

/** A value as people see it. */
export function show(value: number | null, look: FieldLook): ShownValue {
  const special = mapped(value, look.mappings);
  const number = value === null || Number.isNaN(value) ? null : value;
  const words = special?.text ?? (number === null ? look.noValue || "no data" : format(number, look));
  return { text: words, colour: special?.colour ?? (number === null ? null : colourOfValue(number, look)) };
}

function colourOfValue(value: number, look: FieldLook): string | null {
  if (look.colourMode === "fixed" && look.fixedColour !== "") return colourOf(look.fixedColour);
  return look.colourMode === "thresholds" || look.colourMode === "" || look.colourMode.startsWith("continuous") ? stepColour(value, look) : null;
}

/** The colour of a series as a whole. */
export function colourOfSeries(look: FieldLook, index: number, last: number | null): string {
  if ((look.colourMode === "fixed" || look.colourMode === "shades") && look.fixedColour !== "") return colourOf(look.fixedColour);
  if (look.colourMode === "thresholds" && last !== null && look.steps.length > 0) return stepColour(last, look) ?? seriesColour(index);
  return seriesColour(index);
}
