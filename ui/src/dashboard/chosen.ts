/** The values of a variable in the page's address: with commas between them, and a backslash before one that belongs to a value. */

export function joined(values: readonly string[]): string {
  return values.map((value) => value.replaceAll("\\", "\\\\").replaceAll(",", "\\,")).join(",");
}

export function parted(text: string): string[] {
  const values: string[] = [];
  let value = "";
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\" && at + 1 < text.length) {
      at += 1;
      value += text[at];
    } else if (text[at] === ",") {
      values.push(value);
      value = "";
    } else value += text[at];
  }
  return [...values, value];
}
