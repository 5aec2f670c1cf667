/** How high lines are: all alike, or each measured once it has been drawn. Sums over any number of lines are cheap. */

export interface Heights {
  /** The height of the first `count` lines together, in pixels. */
  sum(count: number): number;
  /** How many lines end at or above this offset. */
  countAbove(offset: number, limit: number): number;
}

export class UniformHeights implements Heights {
  constructor(private readonly each: number) {}

  sum(count: number): number {
    return count * this.each;
  }

  countAbove(offset: number, limit: number): number {
    return Math.max(0, Math.min(limit, Math.floor(offset / this.each)));
  }
}

/**
 * A binary indexed tree of how far each line is from the usual height, so that a million lines take four megabytes and
 * both a change and a sum take twenty steps.
 */
export class MeasuredHeights implements Heights {
  private readonly known = new Map<number, number>();
  private tree = new Int32Array(1 << 10);
  private difference = 0;

  constructor(private readonly usual: number) {}

  /** Returns by how much the line's height has changed. Lines count from 0. */
  set(line: number, height: number): number {
    const change = height - (this.known.get(line) ?? this.usual);
    if (change === 0) return 0;
    this.known.set(line, height);
    while (line + 1 >= this.tree.length) this.grow();
    for (let at = line + 1; at < this.tree.length; at += at & -at) this.tree[at]! += change;
    this.difference += change;
    return change;
  }

  sum(count: number): number {
    let sum = count * this.usual;
    for (let at = Math.min(count, this.tree.length - 1); at > 0; at -= at & -at) sum += this.tree[at]!;
    return sum;
  }

  countAbove(offset: number, limit: number): number {
    let low = 0;
    let high = limit;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.sum(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private grow(): void {
    const old = this.tree;
    this.tree = new Int32Array(old.length * 2);
    this.tree.set(old);
    // The one new node that also covers the old half.
    this.tree[old.length] = this.difference;
  }
}
