/** A page that was opened before the server was updated asks for parts that are no longer there: it loads itself anew. */
const key = "keirin-reloaded-at";
const atMostEvery = 30_000;

export function reloadAfterUpdate(): void {
  window.addEventListener("vite:preloadError", (event) => {
    if (Date.now() - lastReload() < atMostEvery) return;
    event.preventDefault();
    try {
      sessionStorage.setItem(key, String(Date.now()));
    } catch {
      // Without storage it cannot tell a loop, so it leaves the fault to be shown.
      return;
    }
    location.reload();
  });
}

function lastReload(): number {
  try {
    return Number(sessionStorage.getItem(key) ?? 0);
  } catch {
    return Date.now();
  }
}
