/** What makes an element a row: `j` and `k` give it the focus, and Enter follows the link that names it, as a click on that would. */
import type { KeyboardEvent } from "react";

export const row = { "data-row": "", tabIndex: -1, onKeyDown: followName } as const;

/**
 * Only while the row itself has the focus: what stands in it answers for itself. The name stands first, in a table in the
 * first cell; a row without a link there opens nothing, and buttons are never pressed for it.
 */
function followName(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "Enter" || event.target !== event.currentTarget) return;
  const link = (event.currentTarget.querySelector("th, td") ?? event.currentTarget).querySelector("a[href]");
  if (link === null) return;
  event.preventDefault();
  const { ctrlKey, metaKey, shiftKey } = event;
  link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }));
}
