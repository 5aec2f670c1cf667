/** Faults of a dashboard's text, each at its line. */
import { findNodeAtLocation, type Node, parse, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type { DashboardProblem } from "../api/measure";
import type { LineFault } from "../parts/code/CodeEditor";
import { type Json, record } from "./json";

export type Checked = { dashboard: Json; faults: [] } | { dashboard: null; faults: LineFault[] };

const words: Record<string, string> = {
  InvalidSymbol: "This is no JSON",
  InvalidNumberFormat: "This is no number",
  PropertyNameExpected: "A name in quotes is expected here",
  ValueExpected: "A value is expected here",
  ColonExpected: "A colon is expected here",
  CommaExpected: "A comma is expected here",
  CloseBraceExpected: "A closing brace is missing",
  CloseBracketExpected: "A closing bracket is missing",
  EndOfFileExpected: "The text should end here",
  InvalidCommentToken: "JSON has no remarks",
  UnexpectedEndOfString: "The quotes are not closed",
};

const strict = { disallowComments: true, allowTrailingComma: false };

export function readText(text: string): Checked {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, strict);
  if (errors.length > 0) {
    const faults = errors.slice(0, 20).map(({ error, offset }): LineFault => {
      const code = printParseErrorCode(error);
      return { line: lineAt(text, offset), severity: "error", message: words[code] ?? code };
    });
    return { dashboard: null, faults };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { dashboard: null, faults: [{ line: 1, severity: "error", message: "A dashboard is an object, in braces" }] };
  }
  return { dashboard: record(value), faults: [] };
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** "panels[2].targets[0].expr" and "/panels/2/targets/0/expr" alike. */
export function segmentsOf(path: string): (string | number)[] {
  const parts = path.startsWith("/") ? path.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")) : (path.match(/[^.[\]]+/g) ?? []);
  return parts.filter((part) => part !== "" && part !== "$").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** What the server found, at the lines it means; where the place itself is not there, at what should hold it. */
export function placed(text: string, problems: readonly DashboardProblem[]): LineFault[] {
  const tree = parseTree(text, [], strict);
  return problems.map(({ path, message, severity }) => {
    const node = tree === undefined ? undefined : nearestNode(tree, segmentsOf(path));
    return { line: node === undefined ? 1 : lineAt(text, node.offset), severity, message };
  });
}

function nearestNode(tree: Node, segments: (string | number)[]): Node | undefined {
  for (let length = segments.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(tree, segments.slice(0, length));
    if (node !== undefined) return node;
  }
  return undefined;
}

/** As this page writes dashboards. */
export function writeText(dashboard: Json): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
