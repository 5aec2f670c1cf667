/** Whether an element has come near to what is seen: what nobody looks at asks nothing. */
import { type RefObject, useEffect, useRef, useState } from "react";

export function useInSight<T extends HTMLElement>(): [RefObject<T | null>, boolean] {
  const element = useRef<T>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null || seen) return;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
      },
      { rootMargin: "200px" },
    );
    watcher.observe(target);
    return () => watcher.disconnect();
  }, [seen]);
  return [element, seen];
}
