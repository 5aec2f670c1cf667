import { describe, expect, it } from "vitest";
import type { Group } from "./groups";
import { UniformHeights } from "./heights";
import { headHeight, Layout } from "./layout";

function group(key: string, first: number, last: number): Group {
  return { key, title: key, state: "success", step: undefined, first, last };
}

const groups = [group("checkout", 1, 100), group("build", 101, 1_000_000), group("nothing", 1_000_001, 1_000_000)];
const heights = new UniformHeights(20);

describe("a log of a million lines", () => {
  it("is three heads high while all groups are closed", () => {
    const layout = new Layout(groups, () => false, heights);
    expect(layout.height).toBe(3 * headHeight);
    expect(layout.rowsBetween(0, 600).map((row) => row.kind)).toEqual(["head", "head", "head"]);
    expect(layout.topOfLine(500)).toBeUndefined();
  });

  it("shows the lines that stand in the window and no others", () => {
    const layout = new Layout(groups, ({ key }) => key === "build", heights);
    const top = layout.topOfLine(500_000);
    expect(top).toBe(2 * headHeight + (500_000 - 101) * 20);
    const rows = layout.rowsBetween(top ?? 0, (top ?? 0) + 60);
    expect(rows.map((row) => row.kind === "line" && row.line)).toEqual([500_000, 500_001, 500_002]);
  });

  it("ends with the last line and the head of what wrote nothing", () => {
    const layout = new Layout(groups, ({ key }) => key === "build", heights);
    const rows = layout.rowsBetween(layout.height - headHeight - 20, layout.height);
    expect(rows).toMatchObject([
      { kind: "line", line: 1_000_000 },
      { kind: "head", group: { key: "nothing" } },
    ]);
  });

  it("knows whose lines one reads", () => {
    const layout = new Layout(groups, () => true, heights);
    expect(layout.groupAt(headHeight + 50 * 20)?.key).toBe("checkout");
    expect(layout.groupAt(layout.height - headHeight - 500)?.key).toBe("build");
    expect(layout.groupAt(0)).toBeUndefined();
  });
});
