/** Which background jobs are shown, kept in the page's address. */
import { NativeSelect } from "@mantine/core";
import type { BackgroundJobState, BackgroundKind } from "../../api/types";
import { useChangeSearch } from "../../useSearchParameters";
import css from "./BackgroundPage.module.css";
import { jobShapes, jobStates } from "./states";

interface JobFiltersProps {
  kinds: readonly BackgroundKind[];
  kind: string | undefined;
  state: BackgroundJobState | undefined;
}

export function JobFilters({ kinds, kind, state }: JobFiltersProps) {
  const changeSearch = useChangeSearch();
  const known = kinds.map(({ name, title }) => ({ value: name, label: title }));
  // A kind that the address names and this server does not know.
  const unknown = kind === undefined || kinds.some(({ name }) => name === kind) ? [] : [{ value: kind, label: kind }];
  return (
    <div className={css.filters}>
      <NativeSelect
        aria-label="Kind"
        className={css.kind}
        data={[{ value: "", label: "All kinds" }, ...known, ...unknown]}
        value={kind ?? ""}
        onChange={({ currentTarget: { value } }) => changeSearch({ kind: value === "" ? undefined : value }, { replace: true })}
      />
      <NativeSelect
        aria-label="State"
        data={[{ value: "", label: "All states" }, ...jobStates.map((one) => ({ value: one, label: jobShapes[one].word }))]}
        value={state ?? ""}
        onChange={({ currentTarget: { value } }) => changeSearch({ state: jobStates.find((one) => one === value) }, { replace: true })}
      />
    </div>
  );
}
