/** The colours of series: names and places in the palette become tokens of `tokens.css`, for light and for dark. */

const paletteSize = 10;

/** The colour of the series at this place. */
export function seriesColour(index: number): string {
  return `var(--series-${index % paletteSize})`;
}

/** What Grafana calls its colours; lighter and darker kinds of one colour look the same here, so that both schemes are readable. */
const named: Record<string, string> = {
  green: "var(--state-success)",
  red: "var(--state-failed)",
  blue: "var(--series-6)",
  yellow: "var(--state-manual)",
  orange: "var(--state-timed-out)",
  purple: "var(--state-lost)",
  text: "var(--text)",
  transparent: "transparent",
  gray: "var(--series-8)",
  grey: "var(--series-8)",
};

export function colourOf(name: string): string {
  if (name.startsWith("var(")) return name;
  const base = name.replace(/^(?:super-light|semi-dark|light|dark)-/, "");
  const known = named[base];
  if (known !== undefined) return known;
  // Anything else is written into a style, so it has to look like a colour.
  return /^#[0-9a-f]{3,8}$/i.test(name) || /^rgba?\([\d\s.,%]+\)$/i.test(name) ? name : "var(--series-8)";
}

/** The word that a state's colour belongs to, for series whose label says an outcome. */
const outcomes: Record<string, string> = {
  success: "var(--state-success)",
  passed: "var(--state-success)",
  failed: "var(--state-failed)",
  error: "var(--state-timed-out)",
  timed_out: "var(--state-timed-out)",
  lost: "var(--state-lost)",
  cancelled: "var(--series-8)",
  skipped: "var(--chart-skipped, var(--line-control))",
};

/** The colour that a series has by what it means, else by its place. */
export function colourByMeaning(labels: Record<string, string>, index: number): string {
  return outcomes[labels.outcome ?? ""] ?? outcomes[labels.status ?? ""] ?? seriesColour(index);
}

/** A canvas knows no variables: what they stand for now. */
export function onCanvas(colour: string): string {
  const style = getComputedStyle(document.documentElement);
  let found = colour;
  for (let depth = 0; depth < 3; depth += 1) {
    const parts = /^var\((--[\w-]+)(?:,\s*(.+))?\)$/.exec(found);
    if (parts === null) return found;
    found = style.getPropertyValue(parts[1] ?? "").trim() || (parts[2] ?? "#888");
  }
  return found;
}

/** The same colour, let through in part: `opacity` from 0 to 1. Takes what `onCanvas` gave. */
export function faded(colour: string, opacity: number): string {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  return `${colour}${Math.round(Math.min(1, Math.max(0, opacity)) * 255).toString(16).padStart(2, "0")}`;
}
