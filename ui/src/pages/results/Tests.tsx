/** Test results, those that failed first. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type LeftBy, testResultsQuery } from "../../api/queries";
import type { FlowRetention, JobTestResult, TestCounts } from "../../api/types";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import type { StateName } from "../../parts/states";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { figure, preciselyInWords } from "../../parts/words";
import { removedAt } from "../retention/keep";
import { Removed } from "../retention/Removed";
import css from "./Tests.module.css";

const shapes: Record<JobTestResult["status"], { state: StateName; word: string; rank: number }> = {
  failed: { state: "failed", word: "Failed", rank: 0 },
  error: { state: "timed_out", word: "Error", rank: 1 },
  skipped: { state: "skipped", word: "Skipped", rank: 2 },
  passed: { state: "success", word: "Passed", rank: 3 },
};

const columns: Column<JobTestResult>[] = [
  {
    id: "name",
    title: "Test case",
    sortBy: (result) => `${result.suite} ${result.name}`,
    text: (result) => `${result.suite} ${result.name} ${result.status} ${result.job_name} ${result.message ?? ""}`,
    cell: (result) => (
      <div className={css.case}>
        <State state={shapes[result.status].state} label={shapes[result.status].word} />
        <div>
          <div className={css.name}>
            {result.suite === "" ? null : <span className={css.suite}>{result.suite} </span>}
            <Link to="/jobs/$job" params={{ job: result.job }}>
              {result.name}
            </Link>
          </div>
          {result.message == null || result.message === "" ? null : <Message text={result.message} />}
        </div>
      </div>
    ),
  },
  {
    id: "status",
    title: "Result",
    width: "90px",
    wideOnly: true,
    sortBy: (result) => shapes[result.status].rank,
    cell: (result) => shapes[result.status].word,
  },
  {
    id: "job",
    title: "Job",
    width: "200px",
    wideOnly: true,
    sortBy: (result) => `${result.stage} ${result.job_name}`,
    cell: (result) => (
      <Link to="/jobs/$job" params={{ job: result.job }}>
        {result.stage} / {result.job_name}
      </Link>
    ),
  },
  {
    id: "duration",
    title: "Duration",
    width: "90px",
    align: "end",
    sortBy: (result) => result.duration_seconds ?? null,
    cell: (result) => (result.duration_seconds == null ? "–" : preciselyInWords(result.duration_seconds)),
  },
];

/** The first line is enough to know it again; the rest opens. */
function Message({ text }: { text: string }) {
  const [first = "", ...rest] = text.split("\n");
  if (rest.length === 0 && first.length <= 120) return <code className={css.message}>{first}</code>;
  return (
    <details className={css.more}>
      <summary>
        <code className={css.message}>{first.slice(0, 160)}</code>
      </summary>
      <pre>{text}</pre>
    </details>
  );
}

export function Tests({ of, retention, finishedAt }: { of: LeftBy; retention: FlowRetention; finishedAt: string | null }) {
  const removed = removedAt(retention, "test_results", finishedAt);
  const list = useInfiniteQuery(testResultsQuery(of));
  return (
    <Loaded answer={list} skeleton={<Panel flush><SkeletonRows /></Panel>}>
      {({ pages }) => {
        const results = pages.flatMap((page) => page.items);
        const counts = pages[0]?.counts;
        return (
          <>
            <DataTable
              label="Test results"
              columns={columns}
              rows={results}
              idOf={(result) => `${result.job} ${result.suite} ${result.name} ${results.indexOf(result)}`}
              tools={counts ? <Counts counts={counts} /> : null}
              empty={
                <Panel>
                  {removed === null ? (
                    <EmptyPage title="No test results">
                      A step <code>junit_collect</code> reads them from the report files that a job's tests write.
                    </EmptyPage>
                  ) : (
                    <Removed what="test results" at={removed}>
                      How many there were of each kind stays.
                    </Removed>
                  )}
                </Panel>
              }
            />
            <More list={list} what="results" />
          </>
        );
      }}
    </Loaded>
  );
}

function Counts({ counts }: { counts: TestCounts }) {
  const parts: [StateName, number, string][] = [
    ["failed", counts.failed, "failed"],
    ["timed_out", counts.errors, counts.errors === 1 ? "error" : "errors"],
    ["skipped", counts.skipped, "skipped"],
    ["success", counts.passed, "passed"],
  ];
  return (
    <div className={css.counts}>
      {parts
        .filter(([, count]) => count > 0)
        .map(([state, count, word]) => (
          <span key={state}>
            <State state={state} size={14} label={word} /> {figure(count)} {word}
          </span>
        ))}
    </div>
  );
}
