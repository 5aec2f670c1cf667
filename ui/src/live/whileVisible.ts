/** A browser opens few connections to one server, so a tab that nobody sees gives its own up. */
export function whileVisible(start: () => () => void): () => void {
  let stop: (() => void) | undefined;
  function change(): void {
    if (document.visibilityState === "visible") stop ??= start();
    else {
      stop?.();
      stop = undefined;
    }
  }
  change();
  document.addEventListener("visibilitychange", change);
  return () => {
    document.removeEventListener("visibilitychange", change);
    stop?.();
  };
}
