/** A whole dashboard: its variables, its rows and the panels in them. */
import { useCallback, useState } from "react";
import { useFactsLink } from "../facts/useFactsLink";
import { EmptyPage } from "../parts/EmptyPage";
import { Icon } from "../parts/Icon";
import { Panel as Surface } from "../parts/Panel";
import { ProblemPanel } from "../parts/ProblemPanel";
import { counted } from "../parts/words";
import type { TimeRange } from "../time/range";
import { useChangeSearch, useSearchParameters } from "../useSearchParameters";
import css from "./dashboard.module.css";
import type { Dashboard, Row } from "./model";
import { PanelBox } from "./PanelBox";
import { PanelGrid } from "./PanelGrid";
import { useAround } from "./useAround";
import type { Around } from "./usePanelData";
import { VariableBar } from "./VariableBar";
import { filled } from "./variables";

interface DashboardViewProps {
  dashboard: Dashboard;
  range: TimeRange;
  onZoom: (from: number, until: number) => void;
  refresh: number | null;
}

const tall = 560;

export function DashboardView({ dashboard, range, onZoom, refresh }: DashboardViewProps) {
  const { panel: chosen } = useSearchParameters();
  const changeSearch = useChangeSearch();
  const showAlone = useCallback((panel: string | undefined) => changeSearch({ panel }), [changeSearch]);
  const { around, rows, settled, choose } = useAround(dashboard, range, refresh);
  const factsLink = useFactsLink();
  const alone = chosen === undefined ? undefined : rows.flatMap((row) => row.panels).find((panel) => panel.key === chosen);

  if (settled.error !== null && settled.data === undefined) return <ProblemPanel error={settled.error} onRetry={() => void settled.refetch()} />;
  if (settled.data === undefined) return <div className={css.first} aria-busy="true" />;
  return (
    <>
      <VariableBar settled={settled.data} onChoose={choose} onRetry={() => void settled.refetch()} />
      {dashboard.rows.every((row) => row.panels.length === 0) ? (
        <Surface>
          <EmptyPage title="This dashboard has no panels">Edit it as JSON, or import one that has.</EmptyPage>
        </Surface>
      ) : alone ? (
        <section>
          <h2 className="unseen">One panel</h2>
          <PanelBox panel={alone} around={around} factsLink={factsLink} onZoom={onZoom} height={tall} alone onAlone={showAlone} />
        </section>
      ) : (
        rows.map((row) => <RowOfPanels key={row.key} row={row} around={around} factsLink={factsLink} onZoom={onZoom} onAlone={showAlone} />)
      )}
    </>
  );
}

interface RowProps {
  row: Row;
  around: Around;
  factsLink: ReturnType<typeof useFactsLink>;
  onZoom: (from: number, until: number) => void;
  onAlone: (key: string | undefined) => void;
}

function RowOfPanels({ row, around, factsLink, onZoom, onAlone }: RowProps) {
  const [closed, setClosed] = useState(row.collapsed);
  const title = row.title === null ? null : filled(row.title, around.settled, around.span, 60, row.panels[0]?.scope, "words");
  return (
    <section aria-label={title ?? "Panels"}>
      {title === null ? (
        <h2 className="unseen">Panels</h2>
      ) : (
        <h2 className={css.rowTitle}>
          <button type="button" aria-expanded={!closed} onClick={() => setClosed(!closed)}>
            <Icon name={closed ? "right" : "down"} size={14} />
            {title}
            {closed ? <span className={css.count}>{counted(row.panels.length, "panel")}</span> : null}
          </button>
        </h2>
      )}
      {closed ? null : (
        <PanelGrid panels={row.panels} around={around} factsLink={factsLink} onZoom={onZoom} onAlone={onAlone} />
      )}
    </section>
  );
}
