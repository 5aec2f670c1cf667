/** Asks what a panel's queries ask, with its variables filled in. */
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { instantQuery, rangeQuery } from "../api/prometheus";
import type { Span, TimeRange } from "../time/range";
import { readDuration, stepFor } from "../time/step";
import { type Field, fieldsOf } from "./frames";
import type { Panel, Target } from "./model";
import { filled, type Settled } from "./variables";

export interface Around {
  settled: readonly Settled[];
  range: TimeRange;
  span: Span;
  /** Names of the data sources that there are. */
  sources: readonly string[];
  /** Seconds between two readings; null for none but those after events. */
  refresh: number | null;
}

export interface PanelData {
  fields: Field[];
  step: number;
  error: unknown;
  waiting: boolean;
  remarks: string[];
  queries: string[];
  source: string;
  again: () => void;
}

/** Points that a panel of the whole width can show apart. */
const mostPoints = 360;

export function usePanelData(panel: Panel, { settled, range, span, sources, refresh }: Around, enabled: boolean): PanelData {
  const length = span.until - span.from;
  const points = panel.mostPoints ?? Math.max(40, Math.round((mostPoints * panel.place.w) / 24));
  const least = Math.max(panel.interval, ...panel.targets.map((target) => readDuration(filled(target.interval, settled, span, 1, panel.scope)) ?? 0));
  const step = stepFor(length, points, Math.max(1, least));
  const asked = panel.targets.map((target) => {
    const source = sourceOf(target.source || panel.source, settled, span, panel.scope, sources);
    return { target, source, query: filled(target.query, settled, span, step, panel.scope).trim(), legend: filled(target.legend, settled, span, step, panel.scope, "words") };
  });
  const wantsOne = panel.kind === "table";
  const options = { enabled, refetchInterval: refresh === null ? (false as const) : refresh * 1000, placeholderData: keepPreviousData };
  const ranges = useQueries({ queries: asked.map((one) => ({ ...rangeQuery({ ...one, range, step }), ...options, queryKey: ["prometheus", "range", { source: one.source, query: one.query, range, step }], enabled: enabled && !isInstant(one.target, wantsOne) })) });
  const instants = useQueries({ queries: asked.map((one) => ({ ...instantQuery({ source: one.source, query: one.query, range }), ...options, enabled: enabled && isInstant(one.target, wantsOne) })) });
  const answers = asked.map((one, index) => (isInstant(one.target, wantsOne) ? instants[index] : ranges[index]));

  const fields = useMemo(
    () =>
      fieldsOf(
        asked.flatMap(({ target, query, legend }, index) => {
          const answer = answers[index]?.data;
          return answer === undefined ? [] : [{ target, query, legend, answer }];
        }),
        panel,
      ),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the answers themselves, not the list that holds them
    [panel, ...answers.map((answer) => answer?.data), asked.map((one) => one.legend).join("\n")],
  );
  return {
    fields,
    step,
    error: answers.find((answer) => answer?.error != null)?.error ?? null,
    waiting: answers.some((answer) => answer?.isPending === true) || !enabled,
    remarks: answers.flatMap((answer) => [...(answer?.data?.warnings ?? []), ...(answer?.data?.infos ?? [])]),
    queries: asked.map((one) => one.query),
    source: asked[0]?.source ?? "",
    again: () => answers.forEach((answer) => void answer?.refetch()),
  };
}

function isInstant(target: Target, wantsOne: boolean): boolean {
  return target.instant || (wantsOne && target.format === "table");
}

/** What a file calls its data source may not be known here: then it is the one that is always there. */
export function sourceOf(written: string, settled: readonly Settled[], span: Span, scope: Record<string, string>, sources: readonly string[]): string {
  const name = filled(written, settled, span, 60, scope);
  return name !== "keirin" && sources.includes(name) ? name : "";
}
