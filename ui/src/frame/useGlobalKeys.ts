/** The keys that work on every page. */
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Key, useKeys } from "../keyboard/keys";
import { copyText } from "../parts/copy";

export function useGlobalKeys(showHelp: () => void): void {
  const navigate = useNavigate();
  const keys = useMemo<Key[]>(() => {
    const go = (to: string) => () => void navigate({ to });
    return [
      { keys: "?", does: "Show the keys", run: showHelp },
      { keys: "g o", does: "Go to the overview", run: go("/") },
      { keys: "g p", does: "Go to the projects", run: go("/projects") },
      { keys: "g q", does: "Go to the queue", run: go("/queue") },
      { keys: "g a", does: "Go to the agents", run: go("/agents") },
      { keys: "g l", does: "Go to the log search", run: go("/logs") },
      { keys: "g i", does: "Go to the insights", run: go("/insights") },
      { keys: "g e", does: "Explore the series", run: go("/explore") },
      { keys: "g d", does: "Go to the dashboards", run: go("/dashboards") },
      { keys: "g t", does: "Go to the targets", run: go("/targets") },
      { keys: "g w", does: "Go to the data pipeline", run: go("/data") },
      { keys: "/", does: "Filter or search", run: focusFilter },
      { keys: "y", does: "Copy the link to this view", run: () => void copyText(location.href, "The link") },
    ];
  }, [navigate, showHelp]);
  useKeys("Everywhere", keys);
}

function focusFilter(): void {
  const field = document.querySelector<HTMLInputElement>("[data-filter]");
  field?.focus();
  field?.select();
}
