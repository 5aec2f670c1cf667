/** The answers that the page holds. */
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ProblemError } from "./problem";

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // A session that has ended shows first as an answer that is refused: the frame has to learn of it too.
      const refused = error instanceof ProblemError && error.problem.status === 401;
      if (refused) void queryClient.invalidateQueries({ queryKey: ["me"] });
    },
  }),
  defaultOptions: {
    queries: {
      // Live events say when something is stale; time alone does not.
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => {
        // What the server has answered once it answers again; only a lost connection is worth another try.
        const answered = error instanceof ProblemError && error.problem.status > 0 && error.problem.status < 500;
        return !answered && failures < 2;
      },
    },
  },
});
