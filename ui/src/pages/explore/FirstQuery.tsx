/** What stands where nothing has been asked yet: the first step, and questions to begin with. */
import { Button } from "@mantine/core";
import { EmptyPage } from "../../parts/EmptyPage";
import { Panel } from "../../parts/Panel";
import css from "./ExplorePage.module.css";

const questions: readonly [words: string, query: string][] = [
  ["Commits a week, by people and bots", "sum by (author_class) (sum_over_time(keirin_commits_total[7d]))"],
  ["Flows a day, by outcome", "sum by (outcome) (sum_over_time(keirin_flows_total[1d]))"],
  ["How long nine of ten jobs waited for an agent", "histogram_quantile(0.9, sum by (le) (sum_over_time(keirin_job_queue_duration_seconds_bucket[1d])))"],
  ["From the first commit of a pull request to its merge, median", "histogram_quantile(0.5, sum by (le) (sum_over_time(keirin_pull_request_merge_duration_seconds_bucket[28d])))"],
];

export function FirstQuery({ onChoose, onBrowse }: { onChoose: (query: string) => void; onBrowse: () => void }) {
  return (
    <Panel>
      <EmptyPage
        title="Ask a question"
        action={
          <Button variant="default" onClick={onBrowse}>
            Browse metrics
          </Button>
        }
      >
        Write a query above; names, labels and values are proposed as you type. Or begin with one of these:
      </EmptyPage>
      <ul className={css.questions}>
        {questions.map(([words, query]) => (
          <li key={query}>
            <button type="button" onClick={() => onChoose(query)}>
              <span>{words}</span>
              <code>{query}</code>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
