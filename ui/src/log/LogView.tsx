/** A job's log: lines by step, found, linked, followed; only those that are seen are fetched and drawn. */
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Job } from "../api/types";
import { ProblemPanel } from "../parts/ProblemPanel";
import { isBad } from "../parts/states";
import { useRememberedSwitch } from "../parts/useRememberedSwitch";
import { FollowPill } from "./FollowPill";
import { groupOfLine, groupsOf } from "./groups";
import { Layout } from "./layout";
import { lineLink, parseLineLink } from "./lineLink";
import css from "./LogView.module.css";
import { LogRow, StickyHead } from "./LogRow";
import { LogTools } from "./LogTools";
import { useFind } from "./useFind";
import { useFirstError } from "./useFirstError";
import { useLogKeys } from "./useLogKeys";
import { useLogStore } from "./useLogStore";
import { useLineHeights, useMeasuring } from "./useMeasuredLines";
import { useOpenGroups } from "./useOpenGroups";
import { useScroller } from "./useScroller";

interface LogViewProps {
  job: Job;
  /** An earlier attempt; the newest where absent. */
  attempt?: number | undefined;
}

export function LogView({ job, attempt }: LogViewProps) {
  const store = useLogStore(job, attempt);
  const shownAttempt = attempt ?? job.log?.attempt;
  const find = useFind(job.id, shownAttempt);
  const [wrap, setWrap] = useRememberedSwitch("keirin-log-wrap");
  const [times, setTimes] = useRememberedSwitch("keirin-log-times");
  const hash = useLocation({ select: (location) => location.hash });
  const selection = parseLineLink(hash);
  const navigate = useNavigate();

  const newest = attempt === undefined || attempt === job.log?.attempt;
  const groups = groupsOf(newest ? job : { ...job, steps: [] }, store.marks, store.total);
  const { isOpen, toggle, open, keepOpen } = useOpenGroups(job, groups);

  const lineHeights = useLineHeights(wrap);
  const layout = new Layout(groups, isOpen, lineHeights.heights);
  const scroller = useScroller(layout, { live: !store.closed && job.state !== "finished", followAtFirst: selection === null && job.state === "running" });

  const rows = layout.rowsBetween(scroller.top - 300, scroller.top + scroller.view + 300);
  const lines = rows.flatMap((row) => (row.kind === "line" ? [row.line] : []));
  const [first, last] = [lines[0], lines.at(-1)];
  useEffect(() => {
    if (first !== undefined && last !== undefined) store.need(first, last);
  });

  useMeasuring({ wrap, lines: lineHeights, layout, scroller, store, times });

  function goTo(line: number): void {
    const group = groupOfLine(groups, line);
    if (group) open(group);
    scroller.goTo(line);
  }

  // A link to lines is followed when it comes from elsewhere, not when one has just made it by a click.
  const shown = useRef("");
  useEffect(() => {
    if (hash === shown.current || selection === null || store.total === 0) return;
    shown.current = hash;
    goTo(selection.first);
  });

  // Where a job went wrong, the end of what went wrong is what one came for.
  const placed = useRef(false);
  useEffect(() => {
    if (placed.current || selection !== null || store.total === 0) return;
    placed.current = true;
    const wrong = groups.find((group) => isBad(group.state) && group.last >= group.first);
    if (wrong && job.state === "finished") scroller.goToEndOf(wrong.key);
  });

  function select(line: number, extend: boolean): void {
    const from = extend && selection ? selection.first : line;
    const link = lineLink({ first: Math.min(from, line), last: Math.max(from, line) });
    shown.current = link;
    void navigate({ to: ".", search: true, hash: link, replace: true, resetScroll: false });
  }

  const firstError = useFirstError(job, shownAttempt, groups);
  function goToFirstError(): void {
    void firstError().then((line) => {
      if (line === null) return;
      goTo(line);
      select(line, false);
    });
  }

  function stepFind(by: 1 | -1): void {
    const line = find.step(by);
    if (line !== null) goTo(line);
  }

  function moveSelection(by: number, extend: boolean): void {
    const from = selection === null ? (first ?? 1) - 1 : by > 0 ? selection.last : selection.first;
    const line = Math.min(store.total, Math.max(1, from + by));
    select(line, extend);
    const top = layout.topOfLine(line);
    if (top === undefined || top < scroller.top + 40 || top > scroller.top + scroller.view - 60) goTo(line);
  }

  const hasError = groups.some((group) => isBad(group.state));
  useLogKeys({
    stepFind,
    moveSelection,
    goToFirstError,
    toggleWrap: () => setWrap(!wrap),
    toggleTimes: () => setTimes(!times),
    follow: scroller.follow,
  });

  const sticky = layout.groupAt(scroller.top);
  return (
    <div className={css.log} style={{ "--digits": Math.max(4, String(store.total).length) } as React.CSSProperties}>
      <LogTools
        job={job}
        attempt={attempt}
        find={find}
        onStep={stepFind}
        wrap={wrap}
        onWrap={setWrap}
        times={times}
        onTimes={setTimes}
        onFirstError={hasError ? goToFirstError : undefined}
        lines={store.total}
      />
      {store.error === null ? null : (
        <div className={css.problem}>
          <ProblemPanel error={store.error} onRetry={() => store.retry()} />
        </div>
      )}
      {find.error == null ? null : (
        <div className={css.problem}>
          <ProblemPanel error={find.error} />
        </div>
      )}
      <div className={css.frame}>
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by the keyboard */}
        <div className={css.scroll} ref={scroller.element} onScroll={scroller.onScroll} tabIndex={0} role="region" aria-label="Log" data-wrap={wrap}>
          {sticky ? <StickyHead group={sticky} onToggle={() => {
            toggle(sticky);
            const extent = layout.extentOf(sticky.key);
            if (extent) scroller.to(extent.top);
          }} /> : null}
          <div className={css.whole} style={{ height: scroller.physicalHeight }}>
            {rows.map((row) => (
              <LogRow
                key={row.kind === "head" ? `head ${row.group.key}` : row.line}
                row={row}
                top={scroller.place(row.top)}
                line={row.kind === "line" ? store.get(row.line) : undefined}
                open={row.kind === "head" && layout.isOpen(row.group.key)}
                onToggle={(group) => {
                  if (scroller.following) keepOpen();
                  scroller.pause();
                  toggle(group);
                }}
                selected={row.kind === "line" && selection !== null && row.line >= selection.first && row.line <= selection.last}
                found={row.kind === "line" && row.line === find.current}
                onSelect={select}
                marker={find.marker}
                times={times}
              />
            ))}
          </div>
        </div>
        {store.closed || job.state === "finished" ? null : (
          <FollowPill total={store.total} following={scroller.following} onFollow={scroller.follow} onPause={keepOpen} />
        )}
      </div>
    </div>
  );
}
