/** Which panels are drawn where: repeated ones for each value, each in its place. */
import type { Panel, Row } from "./model";
import { all } from "./model";
import type { Settled } from "./variables";

function valuesOf(name: string, settled: readonly Settled[]): string[] | null {
  const found = settled.find((one) => one.variable.name === name);
  if (found === undefined) return null;
  return found.chosen[0] === all ? found.options.map((option) => option.value) : found.chosen;
}

/** A row for each value of the variable that it is repeated by. */
export function spread(rows: readonly Row[], settled: readonly Settled[]): Row[] {
  return rows.flatMap((row) => {
    const values = row.repeat === "" ? null : valuesOf(row.repeat, settled);
    const copies = values === null ? [row] : values.map((value) => withScope(row, row.repeat, value));
    return copies.map((copy) => ({ ...copy, panels: repeated(copy.panels, settled) }));
  });
}

function withScope(row: Row, name: string, value: string): Row {
  return { ...row, key: `${row.key} ${value}`, panels: row.panels.map((panel) => ({ ...panel, key: `${panel.key} ${value}`, scope: { ...panel.scope, [name]: value } })) };
}

/** Panels beside each other or one under the other; what stands below moves down. */
function repeated(panels: readonly Panel[], settled: readonly Settled[]): Panel[] {
  const placed: Panel[] = [];
  let down = 0;
  for (const panel of panels.toSorted((a, b) => a.place.y - b.place.y || a.place.x - b.place.x)) {
    const values = panel.repeat === "" ? null : valuesOf(panel.repeat, settled);
    const { place } = panel;
    if (values === null) {
      placed.push({ ...panel, place: { ...place, y: place.y + down } });
      continue;
    }
    const across = panel.repeatDirection === "v" ? 1 : Math.max(1, Math.min(values.length, panel.repeatMost));
    const w = panel.repeatDirection === "v" ? place.w : Math.floor(24 / across);
    values.forEach((value, index) => {
      const own = { x: panel.repeatDirection === "v" ? place.x : (index % across) * w, y: place.y + down + Math.floor(index / across) * place.h, w, h: place.h };
      placed.push({ ...panel, key: `${panel.key} ${value}`, place: own, scope: { ...panel.scope, [panel.repeat]: value } });
    });
    down += Math.max(0, Math.ceil(values.length / across) - 1) * place.h;
  }
  return placed;
}
