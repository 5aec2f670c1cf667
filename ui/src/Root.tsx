/** Around everything: learns who looks at the page, and listens for changes on their behalf. */
import { useQuery } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { useEffect } from "react";
import { meQuery, queryClient } from "./api/queries";
import { listenToEvents } from "./live/events";
import { makeInvalidator } from "./live/stale";
import { ProblemPanel } from "./parts/ProblemPanel";

export function Root() {
  const me = useQuery(meQuery);
  const known = me.data?.kind;
  useEffect(() => {
    if (known === undefined) return;
    return listenToEvents(makeInvalidator(queryClient));
  }, [known]);

  if (me.data !== undefined) return <Outlet />;
  if (me.error === null) return null;
  return (
    <main style={{ maxWidth: 640, margin: "15vh auto", padding: 16 }}>
      <ProblemPanel page error={me.error} onRetry={() => void me.refetch()} />
    </main>
  );
}
