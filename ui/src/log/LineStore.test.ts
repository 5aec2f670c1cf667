import { expect, it, vi } from "vitest";
import type { LogLine, LogPage } from "../api/types";
import { LineStore, type LoadLines } from "./LineStore";

function line(number: number, step: number | null = 0): LogLine {
  return { line: number, time: "2026-01-01T00:00:00Z", step, stream: "output", cut: false, text: `line ${number}` };
}

function serverWith(total: number) {
  return vi.fn<LoadLines>(
    (first, count): Promise<LogPage> =>
      Promise.resolve({
        lines: Array.from({ length: Math.max(0, Math.min(count, total - first + 1)) }, (_, index) => line(first + index)),
        total,
        closed: true,
      }),
  );
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

it("fetches only what is about to be seen, and each range once", async () => {
  const load = serverWith(1_000_000);
  const store = new LineStore(load, { lines: 1_000_000, closed: true, steps: [] });
  store.need(999_900, 1_000_000);
  store.need(999_900, 1_000_000);
  await settle();
  expect(load).toHaveBeenCalledTimes(1);
  expect(store.get(1_000_000)?.text).toBe("line 1000000");
  expect(store.get(1)).toBeUndefined();
});

it("gives up what one has scrolled past", async () => {
  const signals: AbortSignal[] = [];
  const store = new LineStore(
    (_first, _count, signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    },
    { lines: 10_000, closed: true, steps: [] },
  );
  store.need(1, 100);
  store.need(9001, 9100);
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
});

it("takes lines as they are written and learns where steps begin", () => {
  const store = new LineStore(serverWith(0), { lines: 0, closed: false, steps: [] });
  store.append([line(1, null), line(2), line(3), line(4, 1)]);
  store.append([line(4, 1), line(5, 1)]);
  expect(store.total).toBe(5);
  expect(store.get(5)?.text).toBe("line 5");
  expect(store.marks).toEqual([
    { index: 0, line: 2 },
    { index: 1, line: 4 },
  ]);
});

it("fetches what a written line left out", async () => {
  const load = serverWith(700);
  const store = new LineStore(load, { lines: 600, closed: false, steps: [] });
  store.append([line(700)]);
  expect(store.get(700)).toBeUndefined();
  store.need(690, 700);
  await settle();
  expect(store.get(700)?.text).toBe("line 700");
});

it("shows why lines could not be fetched, and fetches them when told to", async () => {
  const load = vi.fn<LoadLines>().mockRejectedValueOnce(new Error("no network")).mockImplementation(serverWith(10));
  const store = new LineStore(load, { lines: 10, closed: true, steps: [] });
  store.need(1, 10);
  await settle();
  expect(store.error).toEqual(new Error("no network"));
  store.need(1, 10);
  expect(load).toHaveBeenCalledTimes(1);
  store.retry();
  store.need(1, 10);
  await settle();
  expect(store.get(10)?.text).toBe("line 10");
});
