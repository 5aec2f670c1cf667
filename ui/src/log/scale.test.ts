import { expect, it } from "vitest";
import { highest, Scale } from "./scale";

it("a log that fits is scrolled as it is", () => {
  const scale = new Scale(5000, 500);
  expect(scale.physicalHeight).toBe(5000);
  expect(scale.follow(0, 700)).toBe(700);
  expect(scale.toPhysical(700)).toBe(700);
});

it("a log that is too high moves by small steps as they say, and by jumps to their share", () => {
  const scale = new Scale(highest * 10, 500);
  expect(scale.physicalHeight).toBe(highest);
  expect(scale.follow(0, 100)).toBe(100);
  expect(scale.follow(100, 60)).toBe(60);
  const half = (highest - 500) / 2;
  expect(scale.follow(60, half)).toBeCloseTo((highest * 10 - 500) / 2);
});

it("both ends are reached", () => {
  const scale = new Scale(highest * 10, 500);
  expect(scale.follow(0, highest - 500)).toBe(highest * 10 - 500);
  expect(scale.toPhysical(scale.end)).toBe(highest - 500);
  expect(scale.follow(300, 0)).toBe(0);
});
