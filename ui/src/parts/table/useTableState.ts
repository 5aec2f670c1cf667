/** The order and the filter of a table, kept in the page's address: `?sort=-name&filter=text`. */
import { useMemo } from "react";
import { useChangeSearch, useSearchParameters } from "../../useSearchParameters";

/** `sortable` names the columns that have an order: an address that asks for another leaves the rows as they came. */
export function useTableState(sortable: readonly string[]) {
  const { sort, filter = "" } = useSearchParameters();
  const changeSearch = useChangeSearch();
  const sorting = useMemo(() => {
    const desc = sort?.startsWith("-") ?? false;
    const id = sort?.slice(desc ? 1 : 0);
    return id !== undefined && sortable.includes(id) ? [{ id, desc }] : [];
  }, [sort, sortable]);

  /** Rising, falling, as it came. */
  function setSort(id: string): void {
    const next = sort === id ? `-${id}` : sort === `-${id}` ? undefined : id;
    changeSearch({ sort: next }, { replace: true });
  }
  const setFilter = (text: string) => changeSearch({ filter: text === "" ? undefined : text }, { replace: true });
  return { sorting, filterText: filter, setSort, setFilter };
}
