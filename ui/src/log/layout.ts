/** Where each row of a log stands: a head for each group, and the lines of those that are open. */
import type { Group } from "./groups";
import type { Heights } from "./heights";

export const headHeight = 34;

export type Row = { kind: "head"; group: Group; top: number } | { kind: "line"; line: number; top: number };

interface Placed {
  group: Group;
  open: boolean;
  top: number;
  bottom: number;
}

export class Layout {
  private readonly placed: Placed[] = [];
  readonly height: number;

  constructor(
    groups: readonly Group[],
    isOpen: (group: Group) => boolean,
    private readonly heights: Heights,
  ) {
    let top = 0;
    for (const group of groups) {
      const open = isOpen(group);
      const lines = open ? heights.sum(group.last) - heights.sum(group.first - 1) : 0;
      const bottom = top + headHeight + Math.max(0, lines);
      this.placed.push({ group, open, top, bottom });
      top = bottom;
    }
    this.height = top;
  }

  /** The rows that touch the range between two offsets. */
  rowsBetween(top: number, bottom: number): Row[] {
    const rows: Row[] = [];
    for (const placed of this.placed) {
      if (placed.bottom <= top) continue;
      if (placed.top >= bottom) break;
      if (placed.top + headHeight > top) rows.push({ kind: "head", group: placed.group, top: placed.top });
      if (!placed.open) continue;
      const { first, last } = placed.group;
      // Offsets of lines count from the end of the group's head.
      const base = placed.top + headHeight - this.heights.sum(first - 1);
      let line = Math.max(first, this.heights.countAbove(top - base, last) + 1);
      for (; line <= last; line += 1) {
        const lineTop = base + this.heights.sum(line - 1);
        if (lineTop >= bottom) break;
        rows.push({ kind: "line", line, top: lineTop });
      }
    }
    return rows;
  }

  /** Where a line begins; undefined while its group is closed. */
  topOfLine(line: number): number | undefined {
    const placed = this.placed.find(({ group }) => line >= group.first && line <= group.last);
    if (placed === undefined || !placed.open) return undefined;
    return placed.top + headHeight + this.heights.sum(line - 1) - this.heights.sum(placed.group.first - 1);
  }

  extentOf(key: string): { top: number; bottom: number } | undefined {
    return this.placed.find(({ group }) => group.key === key);
  }

  /** The group whose lines stand at this offset while its head stands above it. */
  groupAt(offset: number): Group | undefined {
    return this.placed.find(({ top, bottom }) => top < offset && bottom > offset + headHeight)?.group;
  }

  isOpen(key: string): boolean {
    return this.placed.some(({ group, open }) => open && group.key === key);
  }
}
