/**
 * Reads the colours out of a line. Only colours and weights are taken from escape sequences; every other sequence is
 * dropped, so that a log can neither hide nor draw anything else. The result is data: nothing of it becomes markup.
 */

export type Colour = { palette: number } | { red: number; green: number; blue: number };

export interface Look {
  text?: Colour;
  back?: Colour;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
  strike?: boolean;
}

export interface Span {
  text: string;
  look: Look;
}

// Control sequences, operating-system commands (links, titles) and single-character escapes.
// oxlint-disable-next-line no-control-regex -- escape sequences are made of control characters
const sequence = /\u001b(?:\[([0-9:;<=>?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[PX^_][^\u001b]*(?:\u001b\\|$)|[ -/]*[0-~]?)/g;
// oxlint-disable-next-line no-control-regex -- these are the characters that must not be shown
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function parseAnsi(line: string): Span[] {
  const shown = afterLastReturn(line);
  if (!shown.includes("\u001b")) {
    const text = clean(shown);
    return text === "" ? [] : [{ text, look: {} }];
  }
  const spans: Span[] = [];
  let look: Look = {};
  let from = 0;
  for (const match of shown.matchAll(sequence)) {
    push(spans, shown.slice(from, match.index), look);
    from = match.index + match[0].length;
    if (match[2] === "m") look = change(look, match[1] ?? "");
  }
  push(spans, shown.slice(from), look);
  return spans;
}

/** A line's text without its sequences, and with all else that was written. */
export function withoutSequences(line: string): string {
  return line.replace(sequence, "");
}

export function plainText(line: string): string {
  return clean(afterLastReturn(line).replace(sequence, ""));
}

/** A progress bar writes over its own line; what it wrote last is what a terminal would show. */
function afterLastReturn(line: string): string {
  const trimmed = line.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}

/** Without what cannot be seen or would turn the direction of what follows. */
export function clean(text: string): string {
  return text.replace(controls, "");
}

function push(spans: Span[], raw: string, look: Look): void {
  const text = clean(raw);
  if (text !== "") spans.push({ text, look });
}

function change(before: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number);
  let look: Look = { ...before };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) look = {};
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 7) look.inverse = true;
    else if (code === 9) look.strike = true;
    else if (code === 22) look = { ...look, bold: false, dim: false };
    else if (code === 23) look.italic = false;
    else if (code === 24) look.underline = false;
    else if (code === 27) look.inverse = false;
    else if (code === 29) look.strike = false;
    else if (code >= 30 && code <= 37) look.text = { palette: code - 30 };
    else if (code >= 90 && code <= 97) look.text = { palette: code - 82 };
    else if (code >= 40 && code <= 47) look.back = { palette: code - 40 };
    else if (code >= 100 && code <= 107) look.back = { palette: code - 92 };
    else if (code === 39) delete look.text;
    else if (code === 49) delete look.back;
    else if (code === 38 || code === 48) {
      const { colour, used } = extended(codes.slice(at + 1));
      at += used;
      if (colour && code === 38) look.text = colour;
      if (colour && code === 48) look.back = colour;
    }
  }
  return look;
}

/** `5;N` or `2;R;G;B` after 38 or 48. */
function extended(codes: number[]): { colour: Colour | undefined; used: number } {
  if (codes[0] === 5) return { colour: indexed(codes[1] ?? 0), used: 2 };
  if (codes[0] === 2) {
    const [red = 0, green = 0, blue = 0] = codes.slice(1, 4).map((part) => Math.min(255, Math.max(0, part || 0)));
    return { colour: { red, green, blue }, used: 4 };
  }
  return { colour: undefined, used: 0 };
}

/** The 256 colours: 16 of the palette, a cube of 6 by 6 by 6, 24 greys. */
function indexed(index: number): Colour | undefined {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return { palette: index };
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return { red: grey, green: grey, blue: grey };
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return { red: level(Math.floor(cube / 36)), green: level(Math.floor(cube / 6) % 6), blue: level(cube % 6) };
}
