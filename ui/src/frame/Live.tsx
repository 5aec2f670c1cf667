/** Whether changes show as they happen. */
import { useSuspenseQuery } from "@tanstack/react-query";
import { meQuery } from "../api/queries";
import { useLiveStatus } from "../live/status";
import css from "./Live.module.css";

const words = {
  live: { word: "live", title: "Changes show as they happen" },
  connecting: { word: "connecting", title: "The stream of events is being opened" },
  off: {
    word: "not live",
    title: "The server refused the stream of events, so this page may be out of date. It tries again by itself.",
  },
};

export function Live() {
  const status = useLiveStatus();
  const isKnown = useSuspenseQuery(meQuery).data.kind !== "nobody";
  // Whoever is not signed in hears of public projects alone, and where there is none is told to sign in.
  if (!isKnown && status === "off") return <span className={css.live} />;
  const { word, title } = words[status];
  return (
    <span className={css.live} data-status={status} title={title} role="status">
      <span className={css.dot} aria-hidden="true" />
      <span className={css.word}>{word}</span>
    </span>
  );
}
