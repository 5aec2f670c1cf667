/** In place of a page that could not be drawn. */
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Page } from "../parts/Page";
import { ProblemPanel } from "../parts/ProblemPanel";

export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <Page>
      <ProblemPanel page error={error} onRetry={reset} />
    </Page>
  );
}
