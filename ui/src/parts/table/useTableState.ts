/** The order and the filter of a table, kept in the page's address: `?sort=-name&filter=text`. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

export function useTableState(name: string) {
  const search: Record<string, string | undefined> = useSearch({ strict: false });
  const navigate = useNavigate();
  const sortKey = `${name}sort`;
  const filterKey = `${name}filter`;
  const sort = search[sortKey] ?? "";
  const filterText = search[filterKey] ?? "";

  const sorting = useMemo(() => {
    if (sort === "") return [];
    return [sort.startsWith("-") ? { id: sort.slice(1), desc: true } : { id: sort, desc: false }];
  }, [sort]);

  const change = useCallback(
    (key: string, value: string) =>
      void navigate({
        to: ".",
        search: (previous: Record<string, string | undefined>) => ({ ...previous, [key]: value === "" ? undefined : value }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  );

  /** Rising, falling, as it came. */
  const setSort = (id: string) => change(sortKey, sort === id ? `-${id}` : sort === `-${id}` ? "" : id);
  const setFilter = (text: string) => change(filterKey, text);
  return { sorting, filterText, setSort, setFilter };
}
