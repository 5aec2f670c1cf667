/** Copies text and says so. */
import { say } from "./notices";

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} is copied.`);
  } catch {
    // A page that was not fetched securely may not write to the clipboard.
    say(`${what} could not be copied: the browser does not let this page write to the clipboard. Select and copy it by hand.`);
  }
}
