/** The field that `/` goes to. */
import { TextInput } from "@mantine/core";
import { Icon } from "../Icon";
import css from "./DataTable.module.css";

interface TableFilterProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
}

export function TableFilter({ label, value, onChange }: TableFilterProps) {
  return (
    <TextInput
      className={css.filter}
      aria-label={label}
      placeholder={`${label}  /`}
      value={value}
      leftSection={<Icon name="search" />}
      data-filter=""
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}
