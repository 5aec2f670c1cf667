/**
 * One stream of events for the whole browser. Of its tabs, the one that holds a lock listens to the server and tells
 * the others; when it is closed, the lock goes to the next. A browser without locks (a page that was not fetched
 * securely) gives each tab a stream of its own.
 */
import { apiUrl } from "../api/client";
import type { Event } from "../api/types";
import { firstRetry, nextRetry } from "./retry";
import { type LiveStatus, setLiveStatus } from "./status";

const name = "keirin-events";
const kinds = ["project", "flow", "run", "job", "agent", "reset"] as const;

type Message = { event: Event; position: string } | { status: LiveStatus } | { hello: true };

/** Listens until the page goes; returns how to stop. */
export function listenToEvents(take: (event: Event) => void): () => void {
  const stop = new AbortController();
  if (!("locks" in navigator) || !("BroadcastChannel" in window)) {
    openStream(undefined, take, setLiveStatus, stop.signal);
    return () => stop.abort();
  }
  const channel = new BroadcastChannel(name);
  let leading = false;
  let current: LiveStatus = "connecting";
  /** Of the last event that this tab knows of, so that it can go on from there when it leads. */
  let position: string | undefined;
  const tell = (message: Message) => channel.postMessage(message);

  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if ("event" in data) {
      position = data.position;
      take(data.event);
    } else if ("status" in data) setLiveStatus(data.status);
    else if (leading) tell({ status: current });
  });

  void navigator.locks
    .request(name, { signal: stop.signal }, async () => {
      leading = true;
      openStream(
        position,
        (event, at) => {
          take(event);
          tell({ event, position: at });
        },
        (status) => {
          current = status;
          setLiveStatus(status);
          tell({ status });
        },
        stop.signal,
      );
      await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    })
    .catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  tell({ hello: true });

  return () => {
    stop.abort();
    channel.close();
  };
}

function openStream(
  after: string | undefined,
  take: (event: Event, position: string) => void,
  report: (status: LiveStatus) => void,
  stop: AbortSignal,
  retry = firstRetry,
): void {
  if (stop.aborted) return;
  report("connecting");
  const source = new EventSource(apiUrl("events", { after }));
  const over = new AbortController();
  let position = after;
  let wait = retry;
  source.addEventListener("open", () => {
    wait = firstRetry;
    report("live");
  });
  for (const kind of kinds) {
    source.addEventListener(kind, (message: MessageEvent<string>) => {
      position = message.lastEventId;
      take(JSON.parse(message.data) as Event, position);
    });
  }
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) {
      report("connecting");
      return;
    }
    // Refused rather than broken off: it does not try again by itself.
    report("off");
    over.abort();
    setTimeout(() => openStream(position, take, report, stop, nextRetry(wait)), wait);
  });
  stop.addEventListener("abort", () => source.close(), { signal: over.signal });
}
