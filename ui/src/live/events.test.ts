import { afterEach, expect, it, vi } from "vitest";
import { followLog } from "../log/tail";
import { listenToEvents } from "./events";

vi.mock("../api/client", () => ({ apiUrl: () => "events" }));
vi.mock("../api/actions", () => ({ logStreamUrl: () => "log" }));

/** A browser's stream that the server refuses, as when its account follows as many as it may. */
class RefusedStream extends EventTarget {
  static readonly CLOSED = 2;
  static asked = 0;
  readyState = 0;

  constructor() {
    super();
    RefusedStream.asked += 1;
    queueMicrotask(() => {
      this.readyState = RefusedStream.CLOSED;
      this.dispatchEvent(new Event("error"));
    });
  }

  close() {
    this.readyState = RefusedStream.CLOSED;
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it.each([
  ["events", () => listenToEvents(() => undefined)],
  ["lines of a log", () => followLog({ job: "1", from: 1, onLines: () => undefined, onEnd: () => undefined })],
])("%s that are refused are asked for again, each time after twice as long, until the page goes", async (_, follow) => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("window", {});
  vi.stubGlobal("EventSource", RefusedStream);
  RefusedStream.asked = 0;
  const stop = follow();
  for (const [seconds, asked] of [[0, 1], [4, 1], [1, 2], [9, 2], [1, 3], [20, 4], [40, 5], [60, 6], [60, 7]] as const) {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    expect(RefusedStream.asked).toBe(asked);
  }
  stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(RefusedStream.asked).toBe(7);
});
