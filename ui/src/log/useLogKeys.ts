/** The keys of a log. */
import { useMemo, useRef } from "react";
import { type Key, useKeys } from "../keyboard/keys";

interface LogActions {
  stepFind: (by: 1 | -1) => void;
  moveSelection: (by: number, extend: boolean) => void;
  goToFirstError: () => void;
  toggleWrap: () => void;
  toggleTimes: () => void;
  follow: () => void;
}

export function useLogKeys(actions: LogActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  const keys = useMemo<Key[]>(
    () => [
      { keys: "n", does: "Next match", run: () => latest.current.stepFind(1) },
      { keys: "N", does: "Match before", run: () => latest.current.stepFind(-1) },
      { keys: "e", does: "First error", run: () => latest.current.goToFirstError() },
      { keys: "f", does: "Follow the end", run: () => latest.current.follow() },
      { keys: "j", does: "Next line", run: () => latest.current.moveSelection(1, false) },
      { keys: "k", does: "Line before", run: () => latest.current.moveSelection(-1, false) },
      { keys: "J", does: "Choose one more line", run: () => latest.current.moveSelection(1, true) },
      { keys: "w", does: "Wrap lines", run: () => latest.current.toggleWrap() },
      { keys: "t", does: "Show times", run: () => latest.current.toggleTimes() },
    ],
    [],
  );
  useKeys("In a log", keys);
}
