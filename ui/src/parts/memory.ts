/** Small choices that outlive a visit. Storage can be closed to a page: then they last as long as the page. */

const own = new Map<string, string>();

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return own.get(key) ?? null;
  }
}

export function remember(key: string, value: string): void {
  own.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Kept in `own`.
  }
}
