/** What could stand where the cursor is. */
import { lex, type Token } from "./lex";
import { labelLists } from "./words";

/** The range of the text that a proposal would take the place of, and what it is about. */
export interface Place {
  from: number;
  to: number;
  /** What is typed of it so far. */
  typed: string;
  kind: "name" | "label" | "value" | "duration" | "nothing";
  /** The metric whose labels or values are meant, if the query names one. */
  metric: string;
  /** The label whose value it is. */
  label: string;
}

export function placeAt(text: string, cursor: number): Place {
  const before = lex(text.slice(0, cursor));
  const last = before.at(-1);
  const place: Place = { from: cursor, to: cursor, typed: "", kind: "nothing", metric: "", label: "" };
  if (last?.kind === "comment") return place;

  const open = openBracket(before);
  if (open?.text === "{") return inSelector(place, before, open, cursor);
  if (open?.text === "(" && labelLists.has(wordBefore(before, open))) {
    return { ...place, ...word(last, cursor), kind: "label", metric: metricOf(text) };
  }
  if (open?.text === "[") return { ...place, ...word(last?.text === "[" ? undefined : last, cursor), kind: "duration" };
  if (last?.kind === "string" || last?.kind === "number" || last?.kind === "duration" || last?.kind === "variable") return place;
  return { ...place, ...word(last, cursor), kind: "name" };
}

function inSelector(place: Place, before: Token[], open: Token, cursor: number): Place {
  const metric = before[before.indexOf(open) - 1]?.kind === "metric" ? (before[before.indexOf(open) - 1]?.text ?? "") : "";
  const inside = before.slice(before.indexOf(open) + 1).filter((token) => token.kind !== "space");
  const last = inside.at(-1);
  if (last?.kind === "string") {
    if (last.text.length > 1 && last.text.endsWith(last.text[0] ?? "")) return place;
    const label = inside.at(-3)?.text ?? "";
    return { ...place, from: last.start + 1, typed: last.text.slice(1), kind: "value", metric, label };
  }
  if (last?.kind === "operator") return { ...place, kind: "value", metric, label: inside.at(-2)?.text ?? "" };
  return { ...place, ...word(last?.text === "," ? undefined : before.at(-1), cursor), kind: "label", metric };
}

function word(last: Token | undefined, cursor: number): { from: number; typed: string } {
  const isWord = last !== undefined && /^[\w:]+$/.test(last.text);
  return isWord ? { from: last.start, typed: last.text } : { from: cursor, typed: "" };
}

/** The innermost bracket that is still open. */
function openBracket(tokens: Token[]): Token | undefined {
  const open: Token[] = [];
  for (const token of tokens) {
    if (token.kind !== "bracket") continue;
    if ("([{".includes(token.text)) open.push(token);
    else open.pop();
  }
  return open.at(-1);
}

function wordBefore(tokens: Token[], bracket: Token): string {
  const earlier = tokens.slice(0, tokens.indexOf(bracket)).filter((token) => token.kind !== "space");
  return earlier.at(-1)?.text.toLowerCase() ?? "";
}

function metricOf(text: string): string {
  return lex(text).find((token) => token.kind === "metric")?.text ?? "";
}

/** The better a candidate fits what is typed, the smaller the figure; null where it does not. */
export function fit(candidate: string, typed: string): number | null {
  const [name, wanted] = [candidate.toLowerCase(), typed.toLowerCase()];
  if (wanted === "") return 1;
  if (name.startsWith(wanted)) return 0;
  const inside = name.indexOf(wanted);
  if (inside >= 0) return 1 + inside / 1000;
  // Letters in order, as in "kct" for keirin_commits_total.
  let at = -1;
  for (const letter of wanted) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 2 + name.length / 1000;
}
