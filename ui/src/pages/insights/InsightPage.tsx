/** One insight: its figures, then a section for each question with its pictures and what they count. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import { dashboardQuery, metricsQuery, type StoredDashboard } from "../../api/measure";
import { useAround } from "../../dashboard/useAround";
import type { Row } from "../../dashboard/model";
import { PanelGrid } from "../../dashboard/PanelGrid";
import { readDashboard } from "../../dashboard/read";
import { VariableBar } from "../../dashboard/VariableBar";
import { useFactsLink } from "../../facts/useFactsLink";
import { useCrumbs } from "../../frame/crumbs";
import { figuresOf } from "../../insights/figures";
import { InsightFigure } from "../../insights/InsightFigure";
import { type Insight, insightNamed } from "../../insights/insights";
import { Icon } from "../../parts/Icon";
import { LinkButton } from "../../parts/LinkButton";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { ProblemPanel } from "../../parts/ProblemPanel";
import { TimeRangePicker } from "../../time/TimeRangePicker";
import { useTimeRange } from "../../time/useTimeRange";
import { NotFound } from "../NotFound";
import { Definitions } from "./Definitions";
import css from "./insights.module.css";
import { NothingToShow } from "./NothingToShow";

export function InsightPage() {
  const { insight: name } = useParams({ from: "/framed/insights/$insight" });
  const insight = insightNamed(name);
  return insight === undefined ? <NotFound /> : <Named key={name} insight={insight} />;
}

function Named({ insight }: { insight: Insight }) {
  const answer = useQuery(dashboardQuery(insight.dashboard));
  useCrumbs([{ label: "Insights", to: "/insights" }, { label: insight.title }]);
  return (
    <Page width="whole">
      <Loaded page answer={answer} skeleton={<Skeleton insight={insight} />}>
        {(stored) => <Shown insight={insight} stored={stored} />}
      </Loaded>
    </Page>
  );
}

function Shown({ insight, stored }: { insight: Insight; stored: StoredDashboard }) {
  const dashboard = useMemo(() => readDashboard(stored.dashboard), [stored.dashboard]);
  const { range, setRange, zoom } = useTimeRange(dashboard.range);
  const { around, rows, settled, choose } = useAround(dashboard, range, null);
  const metrics = useQuery(metricsQuery).data ?? [];
  const factsLink = useFactsLink();
  const figures = useMemo(() => figuresOf(rows), [rows]);
  const about = settled.data?.find(({ variable }) => variable.name === insight.about);
  return (
    <>
      <PageHead
        title={insight.title}
        facts={<span>{insight.question}</span>}
        actions={
          <>
            <TimeRangePicker range={range} onChange={setRange} />
            <LinkButton variant="default" to="/dashboards/$uid" params={{ uid: insight.dashboard }} search={(previous) => previous}>
              Open as dashboard
            </LinkButton>
          </>
        }
      />
      {settled.error !== null && settled.data === undefined ? (
        <ProblemPanel error={settled.error} onRetry={() => void settled.refetch()} />
      ) : settled.data === undefined ? (
        <Figures />
      ) : about !== undefined && about.fault !== null ? (
        <VariableBar settled={settled.data} onChoose={choose} onRetry={() => void settled.refetch()} />
      ) : about?.options.length === 0 ? (
        <NothingToShow insight={insight} />
      ) : (
        <>
          <VariableBar settled={settled.data} onChoose={choose} onRetry={() => void settled.refetch()} />
          <section className={css.figures} aria-label="Figures">
            {figures.map((asked) => (
              <InsightFigure key={asked.key} asked={asked} around={around} metrics={metrics} factsLink={factsLink} />
            ))}
          </section>
          {rows
            .filter((row) => row.title !== null)
            .map((row) => (
              <Section key={row.key} row={row}>
                <PanelGrid panels={row.panels} around={around} factsLink={factsLink} onZoom={zoom} />
                <Definitions panels={row.panels} metrics={metrics} />
              </Section>
            ))}
        </>
      )}
    </>
  );
}

/** What the dashboard keeps closed is closed here too. */
function Section({ row, children }: { row: Row; children: ReactNode }) {
  const [open, setOpen] = useState(!row.collapsed);
  return (
    <section className={css.section} aria-labelledby={row.key}>
      <h2 id={row.key} className={css.question}>
        {row.collapsed ? (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name={open ? "down" : "right"} size={16} />
            {row.title}
          </button>
        ) : (
          row.title
        )}
      </h2>
      {open ? children : null}
    </section>
  );
}

function Skeleton({ insight }: { insight: Insight }) {
  return (
    <>
      <PageHead title={insight.title} facts={<span>{insight.question}</span>} />
      <Figures />
    </>
  );
}

function Figures() {
  return (
    <div className={css.figures} aria-busy="true">
      {["a", "b", "c", "d"].map((key) => (
        <div key={key} className={css.figureSkeleton} />
      ))}
    </div>
  );
}
