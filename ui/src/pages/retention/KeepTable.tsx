/** How long each kind of what flows leave is kept, to be changed. */
import { NativeSelect } from "@mantine/core";
import type { EffectiveRetention, RetentionRules } from "../../api/types";
import css from "./Retention.module.css";
import { choices, flowKinds, kinds, withTime } from "./keep";

interface KeepTableProps {
  /** Of what it is, for those who hear the page. */
  label: string;
  rules: RetentionRules;
  /** What holds where the rules say nothing. */
  inherited: EffectiveRetention;
  /** What it is called to say nothing. */
  inherits?: string;
  onChange: (rules: RetentionRules) => void;
  disabled: boolean;
}

export function KeepTable({ label, rules, inherited, inherits = "Inherit", onChange, disabled }: KeepTableProps) {
  return (
    <table className={css.table} aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Kept</th>
          {flowKinds.map((flows) => (
            <th key={flows.kind} scope="col">{flows.title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {kinds.map(({ kind, title, note }) => (
          <tr key={kind}>
            <th scope="row">
              {title}
              <div className={css.note}>{note}</div>
            </th>
            {flowKinds.map((flows) => (
              <td key={flows.kind} data-of={flows.title}>
                <NativeSelect
                  aria-label={`${label}: ${title}, ${flows.title}`}
                  data={choices(kind, rules[flows.kind][kind], inherited[flows.kind][kind].keep, inherits)}
                  value={rules[flows.kind][kind] ?? ""}
                  disabled={disabled}
                  onChange={(event) => onChange(withTime(rules, flows.kind, kind, event.currentTarget.value))}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
