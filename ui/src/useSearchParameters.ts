/** The search parameters of whatever page is shown, for parts that stand on many of them. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** Those of every route: on a route that does not know one, it is undefined. */
export function useSearchParameters() {
  return useSearch({ strict: false });
}

export type SearchParameters = ReturnType<typeof useSearchParameters>;

/** Sets some of them and leaves the others; undefined takes one out. `replace` makes no step to go back over. */
export function useChangeSearch() {
  const navigate = useNavigate();
  return useCallback(
    (changed: SearchParameters, { replace = false } = {}) =>
      void navigate({ to: ".", search: (previous) => ({ ...previous, ...changed }), replace, resetScroll: false }),
    [navigate],
  );
}
