/** What a column of a table is. */
import type { ReactNode } from "react";

export interface Column<Row> {
  id: string;
  title: string;
  /** What stands in the cell. */
  cell: (row: Row) => ReactNode;
  /** What rows are sorted by; a column without it is not sorted. */
  sortBy?: (row: Row) => string | number | null;
  /** What the filter looks at. */
  text?: (row: Row) => string;
  align?: "end";
  /** Of a CSS length; columns without one share what is left. */
  width?: string;
  /** Left out where the window is narrow: what it says stands on the row's own page too. */
  wideOnly?: boolean;
}
