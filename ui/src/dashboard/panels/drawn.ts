/** What every kind of panel is given to draw. */
import type { Labels } from "../../api/prometheus";
import type { FactsSearch } from "../../facts/link";
import type { Span } from "../../time/range";
import type { Field } from "../frames";
import { record, text } from "../json";
import type { Panel } from "../model";
import { reduce } from "../reduce";
import { list } from "../json";

export interface Drawn {
  panel: Panel;
  /** With variables filled in. */
  title: string;
  fields: Field[];
  step: number;
  span: Span;
  /** Pixels below the title. */
  height: number;
  onZoom: (from: number, until: number) => void;
  /** Null where no facts stand behind it. */
  factsOf: (query: string, labels: Labels, time: number) => FactsSearch | null;
  onFacts: (search: FactsSearch) => void;
}

export function optionsOf(panel: Panel, name: string) {
  return record(panel.options[name]);
}

/** The one figure that a panel shows of each series. */
export function figureOf(panel: Panel, field: Field): number | null {
  const calcs = list(optionsOf(panel, "reduceOptions").calcs);
  return reduce(field.values, text(calcs[0], "lastNotNull"));
}
