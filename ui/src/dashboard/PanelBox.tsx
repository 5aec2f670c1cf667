/** One panel: its title, what one can do with it, and its drawing once it comes into sight. */
import { Menu } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { memo, Suspense, useState } from "react";
import { problemOf } from "../api/problem";
import type { FactsLink } from "../facts/useFactsLink";
import { Icon } from "../parts/Icon";
import { firstExplored, writeExplored } from "../pages/explore/state";
import { Sentence } from "../parts/Sentence";
import css from "./dashboard.module.css";
import type { Panel } from "./model";
import { BarGaugePanel, GaugePanel } from "./panels/GaugePanel";
import type { Drawn } from "./panels/drawn";
import { HeatMapPanel } from "./panels/HeatMapPanel";
import { Missing } from "./panels/Missing";
import { PiePanel } from "./panels/PiePanel";
import { StatPanel } from "./panels/StatPanel";
import { StateTimelinePanel } from "./panels/StateTimelinePanel";
import { AsTable, TablePanel } from "./panels/TablePanel";
import { TextPanel } from "./panels/TextPanel";
import { TimeSeriesPanel } from "./panels/TimeSeriesPanel";
import { UnknownPanel } from "./panels/UnknownPanel";
import { useInSight } from "./useInSight";
import { type Around, usePanelData } from "./usePanelData";
import { text } from "./json";
import { filled } from "./variables";

interface PanelBoxProps {
  panel: Panel;
  around: Around;
  factsLink: FactsLink;
  onZoom: (from: number, until: number) => void;
  /** Pixels of the whole box. */
  height: number;
  /** It is the only one that is shown. */
  alone?: boolean;
  /** Shows one panel alone, or all again; absent where they stand in a text. */
  onAlone?: ((key: string | undefined) => void) | undefined;
}

/** The heading line and the distances around the drawing. */
const besides = 54;

export const PanelBox = memo(function PanelBox({ panel, around, factsLink, onZoom, height, alone = false, onAlone }: PanelBoxProps) {
  const [box, inSight] = useInSight<HTMLElement>();
  const [asTable, setAsTable] = useState(false);
  const navigate = useNavigate();
  const data = usePanelData(panel, around, inSight);
  const words = (text: string) => filled(text, around.settled, around.span, data.step, panel.scope, "words");
  const title = words(panel.title);
  const drawn: Drawn = {
    panel,
    title: title || panel.type,
    fields: data.fields,
    step: data.step,
    span: around.span,
    height: height - besides,
    onZoom,
    factsOf: factsLink,
    onFacts: (search) => void navigate({ to: "/facts", search }),
  };
  const remarks = [...panel.notes, ...new Set(data.remarks)];
  const facts = data.fields[0] ? factsLink(data.fields[0].query, panel.kind === "timeseries" ? {} : data.fields[0].labels, around.span.until) : null;
  return (
    <article ref={box} className={css.panel} aria-label={title || panel.type} style={{ height }}>
      <header className={css.panelHead}>
        {title === "" ? <span className={css.untitled} /> : <h3 title={title}>{title}</h3>}
        {panel.description === "" && remarks.length === 0 ? null : (
          <span className={css.remark} title={[words(panel.description), ...remarks].filter((text) => text !== "").join("\n")}>
            <Icon name={remarks.length > 0 ? "warning" : "info"} size={14} />
            <span className="unseen">{[words(panel.description), ...remarks].join(" ")}</span>
          </span>
        )}
        <Menu position="bottom-end" width={210} keepMounted={false}>
          <Menu.Target>
            <button type="button" className={css.more} aria-label={`More for ${title || panel.type}`}>
              <Icon name="more" />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {data.queries.length > 0 ? (
              <Menu.Item leftSection={<Icon name="explore" />} onClick={() => void navigate({ to: "/explore", search: { ...writeExplored({ ...firstExplored, queries: data.queries, source: data.source }), from: around.range.from, to: around.range.to } })}>
                Explore queries
              </Menu.Item>
            ) : null}
            {data.fields.length > 0 && panel.kind !== "table" ? (
              <Menu.Item leftSection={<Icon name="table" />} onClick={() => setAsTable(!asTable)}>
                {asTable ? "Show drawing" : "Show as table"}
              </Menu.Item>
            ) : null}
            {facts === null ? null : (
              <Menu.Item leftSection={<Icon name="file" />} onClick={() => drawn.onFacts(facts)}>
                Show facts behind it
              </Menu.Item>
            )}
            {onAlone === undefined ? null : (
              <Menu.Item leftSection={<Icon name="dashboards" />} onClick={() => onAlone(alone ? undefined : panel.key)}>
                {alone ? "Show all panels" : "Show alone"}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </header>
      <div className={css.drawing}>
        <Suspense fallback={<Waiting />}>
          <Content drawn={drawn} data={data} asTable={asTable} inSight={inSight} fill={words} />
        </Suspense>
      </div>
    </article>
  );
});

/** What is out of sight waits for nothing. */
function Waiting({ busy = true }: { busy?: boolean }) {
  return <div className={css.waiting} aria-busy={busy} />;
}

/** A panel may have words of its own for when there is nothing to draw; in place of one figure there is room for few. */
function NoData({ said, short }: { said: string; short: boolean }) {
  if (short) return <p className={css.none}>{said || "no data"}</p>;
  if (said !== "") return <Missing title={said}>Nothing of the kind is known of this range of time.</Missing>;
  return <Missing title="No data">In this range of time no series matches. Explore its queries to see why.</Missing>;
}

interface ContentProps {
  drawn: Drawn;
  data: ReturnType<typeof usePanelData>;
  asTable: boolean;
  inSight: boolean;
  fill: (text: string) => string;
}

function Content({ drawn, data, asTable, inSight, fill }: ContentProps) {
  const { panel, fields, height } = drawn;
  if (panel.kind === "text") return <TextPanel panel={panel} height={height} fill={fill} />;
  if (panel.kind === "unknown") return <UnknownPanel panel={panel} queries={data.queries} />;
  if (fields.length === 0 && data.error !== null) {
    const problem = problemOf(data.error);
    return (
      <Missing title={problem.title}>
        <p role="alert">
          <Sentence text={problem.detail ?? ""} />
        </p>
        <button type="button" className={css.again} onClick={data.again}>
          Try again
        </button>
      </Missing>
    );
  }
  if (panel.targets.length === 0) return <Missing title="This panel has no query">Nothing in its file can be asked of a Prometheus.</Missing>;
  if (fields.length === 0) return data.waiting ? <Waiting busy={inSight} /> : <NoData said={text(panel.field.defaults.noValue)} short={panel.kind === "stat" || panel.kind === "gauge"} />;
  if (asTable) return <AsTable {...drawn} />;
  switch (panel.kind) {
    case "timeseries":
      return <TimeSeriesPanel {...drawn} />;
    case "stat":
      return <StatPanel {...drawn} />;
    case "gauge":
      return <GaugePanel {...drawn} />;
    case "bargauge":
      return <BarGaugePanel {...drawn} />;
    case "table":
      return <TablePanel {...drawn} />;
    case "heatmap":
      return <HeatMapPanel {...drawn} />;
    case "state-timeline":
      return <StateTimelinePanel {...drawn} />;
    case "piechart":
      return <PiePanel {...drawn} />;
  }
}
