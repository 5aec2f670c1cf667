/** Which changes are shown, kept in the page's address. */
import { Button, NativeSelect } from "@mantine/core";
import type { ChangeOutcome } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { useChangeSearch } from "../../useSearchParameters";
import css from "./Audit.module.css";
import { outcomeShapes, outcomes } from "./entries";

interface AuditFiltersProps {
  by?: string | undefined;
  project?: string | undefined;
  outcome?: ChangeOutcome | undefined;
}

export function AuditFilters({ by, project, outcome }: AuditFiltersProps) {
  const changeSearch = useChangeSearch();
  return (
    <div className={css.filters}>
      <NativeSelect
        aria-label="Outcome"
        data={[{ value: "", label: "All outcomes" }, ...outcomes.map((one) => ({ value: one, label: outcomeShapes[one].word }))]}
        value={outcome ?? ""}
        onChange={({ currentTarget: { value } }) => changeSearch({ outcome: outcomes.find((one) => one === value) }, { replace: true })}
      />
      {by === undefined ? null : <Chosen label={`By ${by}`} onRemove={() => changeSearch({ by: undefined })} />}
      {project === undefined ? null : <Chosen label={`Project ${project}`} onRemove={() => changeSearch({ project: undefined })} />}
    </div>
  );
}

/** Something that the list is narrowed to, and is no more after a click. */
function Chosen({ label, onRemove }: { label: string; onRemove: () => void }) {
  return (
    <Button variant="default" rightSection={<Icon name="cross" size={12} />} aria-label={`${label}: show all again`} onClick={onRemove}>
      {label}
    </Button>
  );
}
