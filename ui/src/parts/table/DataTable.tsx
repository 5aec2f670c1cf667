/** The one table of the page: it sorts, filters, keeps its state in the address and is walked by `j` and `k`. */
import {
  columnFilteringFeature,
  createFilteredRowModel,
  createSortedRowModel,
  globalFilteringFeature,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../Icon";
import type { Column } from "./columns";
import css from "./DataTable.module.css";
import { row } from "./row";
import { TableFilter } from "./TableFilter";
import { useRowKeys } from "./useRowKeys";
import { useTableState } from "./useTableState";

interface DataTableProps<Row> {
  /** Says what the rows are, as in "Projects". */
  label: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  idOf: (row: Row) => string;
  /** In place of the rows when there are none at all. */
  empty?: ReactNode;
  /** Shows the filter above the table. */
  filter?: boolean;
  /** Beside the filter. */
  tools?: ReactNode;
  /** On a narrow page each row is drawn as a card: for rows that do not fit side by side. */
  stacked?: boolean;
}

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
});

/** Rows beyond this number are drawn only where they are seen. */
const virtualBeyond = 200;
const rowHeight = 38;

export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { label, columns, rows, idOf, empty, filter = true, tools, stacked = false } = props;
  const sortable = useMemo(() => columns.filter((column) => column.sortBy !== undefined).map((column) => column.id), [columns]);
  const { sorting, filterText, setSort, setFilter } = useTableState(sortable);
  const body = useRef<HTMLTableSectionElement>(null);
  useRowKeys();

  const definitions = useMemo(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: Row) => column.sortBy?.(row) ?? null,
        enableSorting: column.sortBy !== undefined,
        sortFn: compareRows,
      })),
    [columns],
  );
  const matches = useCallback(
    (row: { original: Row }, _column: string, wanted: string) => {
      const words = wanted.toLowerCase().split(/\s+/);
      const text = columns.map((column) => column.text?.(row.original) ?? "").join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    },
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: idOf,
    state: { sorting, globalFilter: filterText },
    globalFilterFn: matches,
    getColumnCanGlobalFilter: () => true,
  });
  const shown = table.getRowModel().rows;
  const window = useShownWindow(body, shown.length);

  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <div className={css.whole}>
      {filter || tools !== undefined ? (
        <div className={css.tools}>
          {filter ? <TableFilter label={`Filter ${label.toLowerCase()}`} value={filterText} onChange={setFilter} /> : null}
          {tools}
        </div>
      ) : null}
      <div className={css.scroll}>
        <table className={css.table} aria-label={label} data-stacked={stacked}>
          <colgroup>
            {columns.map((column) => (
              <col key={column.id} className={column.wideOnly ? css.wideOnly : undefined} style={{ width: column.width }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {columns.map((column) => (
                <HeadCell key={column.id} column={column} sorting={sorting} onSort={setSort} />
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            {window.before > 0 ? <tr style={{ height: window.before }} /> : null}
            {shown.slice(window.first, window.end).map(({ id, original }) => (
              <tr key={id} {...row}>
                {columns.map((column) => (
                  <td key={column.id} data-align={column.align} className={column.wideOnly ? css.wideOnly : undefined}>
                    {column.cell(original)}
                  </td>
                ))}
              </tr>
            ))}
            {window.after > 0 ? <tr style={{ height: window.after }} /> : null}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && rows.length > 0 ? (
        <p className={css.none}>
          Nothing here matches “{filterText}”.{" "}
          <button type="button" onClick={() => setFilter("")}>
            Clear the filter
          </button>
        </p>
      ) : null}
    </div>
  );
}

interface HeadCellProps<Row> {
  column: Column<Row>;
  sorting: { id: string; desc: boolean }[];
  onSort: (id: string) => void;
}

function HeadCell<Row>({ column, sorting, onSort }: HeadCellProps<Row>) {
  const sorted = sorting.find((one) => one.id === column.id);
  const order = sorted === undefined ? undefined : sorted.desc ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={order} data-align={column.align} className={column.wideOnly ? css.wideOnly : undefined}>
      {column.sortBy ? (
        <button type="button" className={css.sort} onClick={() => onSort(column.id)}>
          {column.title}
          <span className={css.arrow} data-sorted={order !== undefined}>
            <Icon name={sorted?.desc ? "down" : "up"} size={12} />
          </span>
        </button>
      ) : column.title === "" ? (
        <span className="unseen">Actions</span>
      ) : (
        column.title
      )}
    </th>
  );
}

interface SortedRow {
  getValue: (column: string) => unknown;
}

/** What is missing comes last in rising order. */
function compareRows(left: SortedRow, right: SortedRow, column: string): number {
  const a = left.getValue(column);
  const b = right.getValue(column);
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function useShownWindow(body: React.RefObject<HTMLTableSectionElement | null>, count: number) {
  const virtual = count > virtualBeyond;
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (virtual && body.current) setTop(body.current.getBoundingClientRect().top + scrollY);
  }, [virtual, body]);
  const virtualizer = useWindowVirtualizer({
    count: virtual ? count : 0,
    estimateSize: () => rowHeight,
    overscan: 15,
    scrollMargin: top,
  });
  if (!virtual) return { first: 0, end: count, before: 0, after: 0 };
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const end = (items.at(-1)?.index ?? -1) + 1;
  return { first, end, before: first * rowHeight, after: (count - end) * rowHeight };
}
