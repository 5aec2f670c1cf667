/** Chooses a range of time: one of the usual ones, or two moments. */
import { Button, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import { useNow } from "../parts/clock";
import { Icon } from "../parts/Icon";
import { quickRanges, rangeInWords, readMoment, type TimeRange } from "./range";
import css from "./TimeRangePicker.module.css";

export function TimeRangePicker({ range, onChange }: { range: TimeRange; onChange: (range: TimeRange) => void }) {
  const [opened, setOpened] = useState(false);
  const now = useNow(false);
  function choose(next: TimeRange): void {
    setOpened(false);
    onChange(next);
  }
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" shadow="md" trapFocus returnFocus width="min(420px, calc(100vw - 16px))" transitionProps={{ duration: 90 }}>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="clock" />} rightSection={<Icon name="down" size={14} />} onClick={() => setOpened(!opened)} aria-label={`Range of time: ${rangeInWords(range, now)}`}>
          {rangeInWords(range, now)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={css.box} aria-label="Range of time">
        <ul className={css.quick}>
          {quickRanges.map((one) => (
            <li key={one.from}>
              <button type="button" aria-current={one.from === range.from && one.to === range.to ? "true" : undefined} onClick={() => choose(one)}>
                {one.words}
              </button>
            </li>
          ))}
        </ul>
        <Moments key={`${range.from} ${range.to}`} range={range} onChange={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Moments({ range, onChange }: { range: TimeRange; onChange: (range: TimeRange) => void }) {
  const [from, setFrom] = useState(range.from);
  const [to, setTo] = useState(range.to);
  const now = useNow(false);
  const [first, last] = [readMoment(from, now, false), readMoment(to, now, true)];
  const wrongFrom = first === null ? "Neither a moment nor a distance from now" : undefined;
  const wrongTo = last === null ? "Neither a moment nor a distance from now" : first !== null && first >= last ? "This is before the beginning" : undefined;
  return (
    <form
      className={css.moments}
      onSubmit={(event) => {
        event.preventDefault();
        if (wrongFrom === undefined && wrongTo === undefined) onChange({ from, to });
      }}
    >
      <TextInput label="From" value={from} error={wrongFrom} onChange={(event) => setFrom(event.currentTarget.value)} />
      <TextInput label="To" value={to} error={wrongTo} onChange={(event) => setTo(event.currentTarget.value)} />
      <p>
        As in <code>now-12w</code>, <code>now/d</code> or <code>2026-11-01T08:00:00Z</code>. Days begin in UTC.
      </p>
      <Button type="submit" disabled={wrongFrom !== undefined || wrongTo !== undefined}>
        Use range
      </Button>
    </form>
  );
}
