/** A form: fields one under the other, what is wrong with it above its buttons. */
import type { FormEvent, ReactNode } from "react";
import css from "./Form.module.css";
import { ProblemPanel } from "./ProblemPanel";

interface FormProps {
  children: ReactNode;
  onSubmit: () => void;
  error?: unknown;
  buttons: ReactNode;
}

export function Form({ children, onSubmit, error, buttons }: FormProps) {
  function submit(event: FormEvent): void {
    event.preventDefault();
    onSubmit();
  }
  return (
    <form className={css.form} onSubmit={submit}>
      {children}
      {error == null ? null : <ProblemPanel error={error} />}
      <div className={css.buttons}>{buttons}</div>
    </form>
  );
}

export function FieldRow({ children }: { children: ReactNode }) {
  return <div className={css.row}>{children}</div>;
}
