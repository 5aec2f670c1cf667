/** Panels in their places; one under the other where the window is narrow. */
import type { FactsLink } from "../facts/useFactsLink";
import css from "./dashboard.module.css";
import type { Panel } from "./model";
import { PanelBox } from "./PanelBox";
import type { Around } from "./usePanelData";

interface PanelGridProps {
  panels: readonly Panel[];
  around: Around;
  factsLink: FactsLink;
  onZoom: (from: number, until: number) => void;
  onAlone?: (key: string | undefined) => void;
}

const unit = 30;
const gap = 8;

/** Single figures that stand beside others stay beside one where the window is narrow. */
function isSmall({ kind, place }: Panel): boolean {
  return (kind === "stat" || kind === "gauge") && place.w <= 8;
}

export function PanelGrid({ panels, around, factsLink, onZoom, onAlone }: PanelGridProps) {
  return (
    <div className={css.grid}>
      {panels.map((panel) => (
        <div
          key={panel.key}
          className={css.place}
          data-small={isSmall(panel)}
          style={{ gridColumn: `${panel.place.x + 1} / span ${panel.place.w}`, gridRow: `${panel.place.y + 1} / span ${panel.place.h}` }}
        >
          <PanelBox panel={panel} around={around} factsLink={factsLink} onZoom={onZoom} height={panel.place.h * (unit + gap) - gap} onAlone={onAlone} />
        </div>
      ))}
    </div>
  );
}
