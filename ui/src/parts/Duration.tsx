/** How long something took, or takes so far: it ticks while it runs. */
import { useNow } from "./clock";
import { inWords, preciselyInWords } from "./words";

interface DurationProps {
  from: string | null | undefined;
  to: string | null | undefined;
  /** What stands where it has not begun. */
  none?: string;
}

export function Duration({ from, to, none = "–" }: DurationProps) {
  const now = useNow(from != null && to == null);
  if (from == null) return <span>{none}</span>;
  const start = Date.parse(from);
  if (to != null) return <span className="figures">{preciselyInWords((Date.parse(to) - start) / 1000)}</span>;
  return <span className="figures">{inWords((now - start) / 1000)}</span>;
}
