/** The part of an address that names lines: `#L120` or `#L120-L140`. */

export interface LineRange {
  first: number;
  last: number;
}

export function parseLineLink(hash: string): LineRange | null {
  const match = /^#?L(\d{1,9})(?:-L(\d{1,9}))?$/.exec(hash);
  if (match === null) return null;
  const one = Number(match[1]);
  const other = Number(match[2] ?? match[1]);
  if (one < 1 || other < 1) return null;
  return { first: Math.min(one, other), last: Math.max(one, other) };
}

export function lineLink({ first, last }: LineRange): string {
  return first === last ? `L${first}` : `L${first}-L${last}`;
}
