/** What a question's answer looks like: its skeleton while it comes, its problem when it cannot, else itself. */
import type { ReactNode } from "react";
import { ProblemPanel } from "./ProblemPanel";

interface Answer<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

interface LoadedProps<T> {
  answer: Answer<T>;
  skeleton: ReactNode;
  /** The answer is what the whole page is about. */
  page?: boolean;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ answer, skeleton, page = false, children }: LoadedProps<T>) {
  if (answer.data !== undefined) return children(answer.data);
  if (answer.error != null) return <ProblemPanel page={page} error={answer.error} onRetry={() => void answer.refetch()} />;
  return skeleton;
}
