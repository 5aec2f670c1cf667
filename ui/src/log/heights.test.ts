import { expect, it } from "vitest";
import { MeasuredHeights, UniformHeights } from "./heights";

it("uniform heights are plain arithmetic", () => {
  const heights = new UniformHeights(20);
  expect(heights.sum(1_000_000)).toBe(20_000_000);
  expect(heights.countAbove(59, 10)).toBe(2);
  expect(heights.countAbove(1000, 10)).toBe(10);
});

it("measured heights agree with adding up one by one, also after growing", () => {
  const heights = new MeasuredHeights(20);
  const each = Array.from({ length: 5000 }, () => 20);
  let random = 7;
  for (let round = 0; round < 3000; round += 1) {
    random = (random * 48_271) % 2_147_483_647;
    const line = random % each.length;
    const height = 20 * (1 + (random % 5));
    heights.set(line, height);
    each[line] = height;
  }
  let sum = 0;
  each.forEach((height, line) => {
    expect(heights.sum(line)).toBe(sum);
    expect(heights.countAbove(sum, each.length)).toBe(line);
    sum += height;
  });
  expect(heights.sum(each.length)).toBe(sum);
});

it("tells by how much a line changed", () => {
  const heights = new MeasuredHeights(20);
  expect(heights.set(3, 60)).toBe(40);
  expect(heights.set(3, 60)).toBe(0);
  expect(heights.set(3, 20)).toBe(-40);
  expect(heights.sum(10)).toBe(200);
});
