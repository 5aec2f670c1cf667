/** The change since before: an arrow, coloured by whether it is better. */

interface DeltaProps {
  now: number | null;
  before: number | null;
  better: "higher" | "lower" | "neither";
  format: (difference: number) => string;
}

export function Delta({ now, before, better, format }: DeltaProps) {
  const style = { fontSize: 12, whiteSpace: "nowrap" } as const;
  if (now === null || before === null) return <span style={{ ...style, color: "var(--text-dim)" }}>no earlier value</span>;
  const difference = now - before;
  if (difference === 0) return <span style={{ ...style, color: "var(--text-dim)" }}>unchanged</span>;
  const rose = difference > 0;
  const good = better === "neither" ? null : rose === (better === "higher");
  const colour = good === null ? "var(--text-dim)" : good ? "var(--state-success)" : "var(--state-failed)";
  return (
    <span style={{ ...style, color: colour }} className="figures">
      <span aria-hidden="true">{rose ? "↑" : "↓"}</span> {format(Math.abs(difference))}
      <span className="unseen">{rose ? "more" : "less"} than before{good === null ? "" : good ? ", better" : ", worse"}</span>
    </span>
  );
}
