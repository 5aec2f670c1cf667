/** What the pictures of a section count, in the words of their metrics. */
import { useMemo } from "react";
import type { Metric } from "../../api/measure";
import type { Panel } from "../../dashboard/model";
import { metricsIn } from "../../insights/figures";
import { Link } from "@tanstack/react-router";
import css from "./insights.module.css";

export function Definitions({ panels, metrics }: { panels: readonly Panel[]; metrics: readonly Metric[] }) {
  const found = useMemo(() => metricsIn(panels.flatMap((panel) => panel.targets.map((target) => target.query)), metrics).filter((metric) => metric.help !== ""), [panels, metrics]);
  if (found.length === 0) return null;
  return (
    <details className={css.definitions}>
      <summary>What is counted here</summary>
      <dl>
        {found.map((metric) => (
          <div key={metric.name}>
            <dt>
              <Link to="/explore" search={{ q: metric.example }}>
                <code>{metric.name}</code>
              </Link>
            </dt>
            <dd>{metric.help}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
