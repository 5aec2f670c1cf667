/** Cuts PromQL into its words: enough to colour it, to complete it, and to find the metrics that it names. */
import { aggregations, functions, keywords, labelLists } from "./words";

export type TokenKind = "space" | "comment" | "string" | "number" | "duration" | "function" | "keyword" | "metric" | "label" | "variable" | "operator" | "bracket" | "other";

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
}

const shapes: readonly [TokenKind, RegExp][] = [
  ["space", /\s+/y],
  ["comment", /#.*/y],
  ["string", /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?/y],
  ["variable", /\$\{[^}]*\}?|\$\w+|\[\[\w+\]\]/y],
  ["duration", /(?:\d+(?:ms|[smhdwy]))+(?![\w.])/y],
  ["number", /0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["metric", /[a-zA-Z_:][\w:]*/y],
  ["operator", /=~|!~|!=|==|<=|>=|[-+*/%^<>=@]/y],
  ["bracket", /[()[\]{}]/y],
];

export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  const where = new Places();
  let at = 0;
  while (at < text.length) {
    let token: Token = { kind: "other", text: text[at] ?? "", start: at };
    for (const [kind, shape] of shapes) {
      shape.lastIndex = at;
      const found = shape.exec(text)?.[0];
      if (found !== undefined && found !== "") {
        token = { kind, text: found, start: at };
        break;
      }
    }
    at += token.text.length;
    if (token.kind === "metric") token.kind = where.kindOf(token.text, text.slice(at));
    where.pass(token);
    tokens.push(token);
  }
  return tokens;
}

/** Where a word stands decides what it is. */
class Places {
  private open: ("selector" | "labels" | "plain")[] = [];
  private lastWord = "";

  kindOf(word: string, rest: string): TokenKind {
    const inside = this.open.at(-1);
    if (inside === "selector" || inside === "labels") return "label";
    if (word in aggregations && /^\s*(?:\(|by\b|without\b)/.test(rest)) return "function";
    if (word in functions && /^\s*\(/.test(rest)) return "function";
    return keywords.has(word.toLowerCase()) ? "keyword" : "metric";
  }

  pass({ kind, text }: Token): void {
    if (kind === "space" || kind === "comment") return;
    if (text === "{") this.open.push("selector");
    else if (text === "(") this.open.push(labelLists.has(this.lastWord) ? "labels" : "plain");
    else if (text === "}" || text === ")") this.open.pop();
    this.lastWord = kind === "keyword" ? text.toLowerCase() : "";
  }
}

export interface Matcher {
  label: string;
  operator: string;
  value: string;
}

export interface Selector {
  metric: string;
  matchers: Matcher[];
}

/** The text between the quotes, with its escapes read. */
function unquoted(text: string): string {
  const inner = text.slice(1, text.endsWith(text[0] ?? "") && text.length > 1 ? -1 : undefined);
  return text.startsWith("`") ? inner : inner.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one === "t" ? "\t" : one));
}

/** Every metric that the query reads, with what its labels have to be. */
export function selectorsIn(text: string): Selector[] {
  const tokens = lex(text).filter((token) => token.kind !== "space" && token.kind !== "comment");
  const selectors: Selector[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== "metric") return;
    const selector: Selector = { metric: token.text, matchers: [] };
    if (tokens[index + 1]?.text === "{") {
      for (let at = index + 2; at < tokens.length && tokens[at]?.text !== "}"; at += 1) {
        const [label, operator, value] = [tokens[at], tokens[at + 1], tokens[at + 2]];
        if (label?.kind === "label" && operator?.kind === "operator" && value?.kind === "string") {
          selector.matchers.push({ label: label.text, operator: operator.text, value: unquoted(value.text) });
        }
      }
    }
    selectors.push(selector);
  });
  return selectors;
}
