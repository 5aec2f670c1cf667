/** Where the window stands in a log, and whether it follows the end. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Layout } from "./layout";
import { Scale } from "./scale";

interface Wishes {
  /** More lines may come. */
  live: boolean;
  followAtFirst: boolean;
}

export interface Scroller {
  element: RefObject<HTMLDivElement | null>;
  top: number;
  view: number;
  width: number;
  physicalHeight: number;
  following: boolean;
  onScroll: () => void;
  /** Where a row is drawn inside the scrolled element. */
  place: (top: number) => number;
  to: (top: number) => void;
  shift: (by: number) => void;
  goTo: (line: number) => void;
  goToEndOf: (group: string) => void;
  follow: () => void;
  pause: () => void;
}

const padding = 8;

export function useScroller(layout: Layout, { live, followAtFirst }: Wishes): Scroller {
  const element = useRef<HTMLDivElement>(null);
  const scale = useRef(new Scale(0, 0)).current;
  const physical = useRef(0);
  const [top, setTop] = useState(0);
  const [size, setSize] = useState({ view: 600, width: 0 });
  const [following, setFollowing] = useState(followAtFirst);
  const wanted = useRef<{ line: number } | { endOf: string } | null>(null);

  scale.whole = layout.height + padding;
  scale.view = size.view;

  useLayoutEffect(() => {
    const box = element.current;
    if (box === null) return;
    const observer = new ResizeObserver(() => setSize({ view: box.clientHeight, width: box.clientWidth }));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const to = useCallback(
    (next: number) => {
      const box = element.current;
      if (box === null) return;
      scale.top = Math.max(0, Math.min(next, scale.end));
      physical.current = scale.toPhysical(scale.top);
      box.scrollTop = physical.current;
      // The browser may round what it was given.
      physical.current = box.scrollTop;
      setTop(scale.top);
    },
    [scale],
  );

  function onScroll(): void {
    const box = element.current;
    if (box === null || Math.abs(box.scrollTop - physical.current) < 1) return;
    const before = scale.top;
    const now = scale.follow(physical.current, box.scrollTop);
    physical.current = box.scrollTop;
    setTop(now);
    if (now < before) setFollowing(false);
    else if (live && now >= scale.end - 4) setFollowing(true);
  }

  const height = layout.height;
  useLayoutEffect(() => {
    if (following) to(Number.MAX_SAFE_INTEGER);
    else if (scale.top > scale.end) to(scale.end);
  }, [following, height, size, scale, to]);

  // What one wanted to see may stand in a group that only now is open.
  useEffect(() => {
    const goal = wanted.current;
    // Before it has been measured nobody knows where its end is.
    if (goal === null || size.width === 0) return;
    const at = "line" in goal ? layout.topOfLine(goal.line) : layout.extentOf(goal.endOf)?.bottom;
    if (at === undefined) return;
    wanted.current = null;
    to("line" in goal ? at - size.view / 3 : at - size.view + padding);
  });

  const [, again] = useState(0);
  const want = (goal: { line: number } | { endOf: string }) => {
    wanted.current = goal;
    setFollowing(false);
    again((count) => count + 1);
  };

  return {
    element,
    top,
    ...size,
    physicalHeight: scale.physicalHeight,
    following,
    onScroll,
    place: (rowTop) => rowTop - scale.top + physical.current,
    to,
    shift: (by) => {
      if (by !== 0 && !following) to(scale.top + by);
    },
    goTo: (line) => want({ line }),
    goToEndOf: (group) => want({ endOf: group }),
    follow: () => setFollowing(true),
    pause: () => setFollowing(false),
  };
}
