/** A query that gave nothing: why, in plain words, and what to ask instead. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { explainQuery, type Metric } from "../../api/measure";
import { metricOf } from "../../chart/fromAnswer";
import { EmptyPage } from "../../parts/EmptyPage";
import { Panel } from "../../parts/Panel";
import { Sentence } from "../../parts/Sentence";
import { lex, selectorsIn } from "../../promql/lex";
import type { Span } from "../../time/range";
import css from "./ExplorePage.module.css";
import { queryFor } from "./queryFor";

interface NoDataProps {
  query: string;
  span: Span;
  /** Only its end is asked about. */
  instant: boolean;
  metrics: readonly Metric[];
  source: string;
  onAsk: (query: string) => void;
}

export function NoData({ query, span, instant, metrics, source, onAsk }: NoDataProps) {
  const ours = source === "" || source === "keirin";
  const told = useQuery({ ...explainQuery(query, { from: instant ? span.until : span.from, until: span.until }), enabled: ours });
  const instead = bareName(query, metrics);
  const reasons = told.data ?? [];
  return (
    <Panel>
      <EmptyPage title="No data" {...(instead === null ? {} : { action: <Button onClick={() => onAsk(queryFor(instead))}>Ask over a range</Button> })}>
        <code className={css.asked}>{query}</code>
        {reasons.length === 0 ? (
          <p>
            {instead === null
              ? "No sample matches in this range of time. Check names and values, or take a longer range."
              : `This series has one exact count for each ${instead.bucket_seconds === 86_400 ? "day" : "hour"}, and a bare name reads only the last five minutes before each point.`}
          </p>
        ) : (
          <ul className={css.reasons}>
            {reasons.map((reason) => (
              <li key={reason}>
                <Sentence text={reason} />
              </li>
            ))}
          </ul>
        )}
      </EmptyPage>
    </Panel>
  );
}

/** The metric, where the query reads one of exact counts without a range. */
function bareName(query: string, metrics: readonly Metric[]): Metric | null {
  if (lex(query).some((token) => token.kind === "duration" || token.text === "[")) return null;
  const metric = metricOf(selectorsIn(query)[0]?.metric ?? "", metrics);
  return metric !== undefined && metric.bucket_seconds !== null ? metric : null;
}
