/**
 * Browsers bound how high an element can be, and a log can be higher. What is scrolled is then a shorter element: small
 * steps move the log by as much as they say, jumps by their share of the whole.
 */
export const highest = 12_000_000;

export class Scale {
  /** Where the window stands in the whole log, in pixels. */
  top = 0;

  constructor(
    public whole: number,
    public view: number,
  ) {}

  get physicalHeight(): number {
    return Math.min(this.whole, highest);
  }

  private get physicalEnd(): number {
    return Math.max(0, this.physicalHeight - this.view);
  }

  get end(): number {
    return Math.max(0, this.whole - this.view);
  }

  /** The scroll position that stands for a place in the log. */
  toPhysical(top: number): number {
    if (this.whole <= highest) return top;
    return this.end === 0 ? 0 : (top / this.end) * this.physicalEnd;
  }

  /** The place in the log after the scroll position went from one to another. */
  follow(before: number, now: number): number {
    if (this.whole <= highest) this.top = now;
    else if (now <= 0) this.top = 0;
    else if (now >= this.physicalEnd - 1) this.top = this.end;
    else if (Math.abs(now - before) <= this.view) this.top = clamp(this.top + now - before, this.end);
    else this.top = (now / this.physicalEnd) * this.end;
    return this.top;
  }
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
