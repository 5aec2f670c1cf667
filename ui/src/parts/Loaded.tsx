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
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ answer, skeleton, children }: LoadedProps<T>) {
  if (answer.data !== undefined) return children(answer.data);
  if (answer.error != null) return <ProblemPanel error={answer.error} onRetry={() => void answer.refetch()} />;
  return skeleton;
}
