/** Views of one thing; which one is chosen stands in the address. */
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { SearchParameters } from "../useSearchParameters";
import css from "./Tabs.module.css";
import { figure } from "./words";

export interface Tab {
  id: NonNullable<SearchParameters["tab"]>;
  label: string;
  count?: number | undefined;
}

/** The first tab is the one without a name in the address. Each has a table of its own, so order and filter stay behind. */
export function Tabs({ tabs, chosen, label }: { tabs: readonly Tab[]; chosen: string; label: string }) {
  const bar = useRef<HTMLElement>(null);
  // On a narrow window there is no room for all, and the chosen one is to be seen.
  useEffect(() => {
    bar.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  return (
    <nav ref={bar} className={css.tabs} aria-label={label}>
      {tabs.map((tab, index) => (
        <Link
          key={tab.id}
          to="."
          search={(previous) => ({ ...previous, tab: index === 0 ? undefined : tab.id, sort: undefined, filter: undefined })}
          className={css.tab}
          data-chosen={tab.id === chosen}
          aria-current={tab.id === chosen ? "true" : undefined}
          activeProps={{}}
          replace
          resetScroll={false}
        >
          {tab.label}
          {tab.count === undefined ? null : <span className={css.count}>{figure(tab.count)}</span>}
        </Link>
      ))}
    </nav>
  );
}
