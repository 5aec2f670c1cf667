/** When a stream that was refused is asked for again: at first after so long, then after twice that, and so on. */
export const firstRetry = 5000;
const lastRetry = 60_000;

export function nextRetry(wait: number): number {
  return Math.min(wait * 2, lastRetry);
}
