/** The variables of a dashboard, to choose from. */
import { Button, Checkbox, NativeSelect, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import { Banner } from "../parts/Banner";
import { Icon } from "../parts/Icon";
import css from "./dashboard.module.css";
import { all } from "./model";
import type { Settled } from "./variables";

interface VariableBarProps {
  settled: readonly Settled[];
  onChoose: (name: string, values: string[]) => void;
  /** Asks for all values anew. */
  onRetry: () => void;
}

export function VariableBar({ settled, onChoose, onRetry }: VariableBarProps) {
  const faulty = settled.filter(({ fault }) => fault !== null);
  const shown = settled.filter(({ variable, options }) => variable.hidden !== "whole" && !(variable.kind === "datasource" && options.length < 2));
  return (
    <>
      {faulty.map(({ variable, fault }) => (
        <Banner key={variable.name} text={`The values of ${variable.label} could not be asked for: ${fault}`}>
          <div>
            <Button variant="default" onClick={onRetry}>
              Try again
            </Button>
          </div>
        </Banner>
      ))}
      {shown.length === 0 ? null : (
        <div className={css.variables} role="group" aria-label="Variables">
          {shown.map((one) => (
            <One key={one.variable.name} settled={one} onChoose={(values) => onChoose(one.variable.name, values)} />
          ))}
        </div>
      )}
    </>
  );
}

function One({ settled, onChoose }: { settled: Settled; onChoose: (values: string[]) => void }) {
  const { variable, options, chosen } = settled;
  const label = <span className={variable.hidden === "label" ? "unseen" : css.label}>{variable.label}</span>;
  if (variable.kind === "textbox") return <Words key={chosen[0]} label={variable.label} text={chosen[0] ?? ""} onChoose={(text) => onChoose([text])} />;
  if (variable.multi) return <Several settled={settled} onChoose={onChoose} />;
  const data = [...(variable.includeAll ? [{ value: all, label: "All" }] : []), ...options.map((option) => ({ value: option.value, label: option.text }))];
  return (
    <label className={css.variable}>
      {label}
      <NativeSelect data={data.length === 0 ? [{ value: "", label: "no value" }] : data} value={chosen[0] ?? ""} disabled={data.length === 0} onChange={(event) => onChoose([event.currentTarget.value])} />
    </label>
  );
}

function Words({ label, text, onChoose }: { label: string; text: string; onChoose: (text: string) => void }) {
  const [draft, setDraft] = useState(text);
  return (
    <form
      className={css.variable}
      onSubmit={(event) => {
        event.preventDefault();
        onChoose(draft);
      }}
    >
      <span className={css.label} aria-hidden="true">
        {label}
      </span>
      <TextInput aria-label={label} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} onBlur={() => draft !== text && onChoose(draft)} />
    </form>
  );
}

function Several({ settled: { variable, options, chosen }, onChoose }: { settled: Settled; onChoose: (values: string[]) => void }) {
  const [filter, setFilter] = useState("");
  const isAll = chosen[0] === all;
  const words = isAll ? "All" : chosen.map((value) => options.find((option) => option.value === value)?.text ?? value).join(" + ");
  const shown = options.filter((option) => option.text.toLowerCase().includes(filter.toLowerCase()));
  function toggle(value: string, on: boolean): void {
    const others = (isAll ? [] : chosen).filter((one) => one !== value);
    const next = on ? [...others, value] : others;
    onChoose(next.length > 0 ? next : variable.includeAll ? [all] : options.slice(0, 1).map((option) => option.value));
  }
  return (
    <div className={css.variable}>
      <span className={variable.hidden === "label" ? "unseen" : css.label}>{variable.label}</span>
      <Popover position="bottom-start" shadow="md" trapFocus returnFocus width={260} transitionProps={{ duration: 90 }}>
        <Popover.Target>
          <Button variant="default" rightSection={<Icon name="down" size={14} />} aria-label={`${variable.label}: ${words}`} className={css.several}>
            {words === "" ? "no value" : words}
          </Button>
        </Popover.Target>
        <Popover.Dropdown className={css.choices} aria-label={variable.label}>
          {options.length > 8 ? <TextInput aria-label={`Filter ${variable.label}`} placeholder="Filter" value={filter} onChange={(event) => setFilter(event.currentTarget.value)} /> : null}
          <div className={css.choiceList}>
            {variable.includeAll ? <Checkbox label="All" checked={isAll} onChange={() => onChoose([all])} /> : null}
            {shown.map((option) => (
              <Checkbox key={option.value} label={option.text} checked={!isAll && chosen.includes(option.value)} onChange={(event) => toggle(option.value, event.currentTarget.checked)} />
            ))}
            {options.length === 0 ? <p>No value was found.</p> : null}
          </div>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
