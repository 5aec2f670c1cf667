/** A field for PromQL: coloured, with proposals at the cursor and a fault at its place. A plain text area, so that the browser's own keys all work. */
import { useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Place, placeAt } from "./complete";
import { lex } from "./lex";
import { type Proposal, useProposals } from "./proposals";
import css from "./QueryEditor.module.css";

export interface Fault {
  message: string;
  /** In characters; null where it has no place. */
  start: number | null;
  end: number | null;
}

interface QueryEditorProps {
  label: string;
  text: string;
  source: string;
  onChange: (text: string) => void;
  onRun: (text: string) => void;
  fault: Fault | null;
}

export function QueryEditor({ label, text, source, onChange, onRun, fault }: QueryEditorProps) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const anchor = useRef<HTMLSpanElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const [chosen, setChosen] = useState(0);
  const [at, setAt] = useState({ left: 0, top: 0 });
  const proposals = useProposals(place, text, source);
  const isWhole = proposals.length === 1 && proposals[0]?.text === place?.typed;
  const open = place !== null && proposals.length > 0 && !isWhole;
  const active = Math.min(chosen, proposals.length - 1);

  useLayoutEffect(() => {
    const mark = anchor.current;
    if (mark !== null) setAt({ left: Math.max(0, Math.min(mark.offsetLeft, (mark.offsetParent?.clientWidth ?? 400) - 300)), top: mark.offsetTop + 22 });
  }, [place]);

  function look(whole: string, cursor: number, asked: boolean): void {
    const found = placeAt(whole, cursor);
    setChosen(0);
    setPlace(found.kind === "nothing" || (!asked && found.kind === "name" && found.typed === "") ? null : found);
  }

  function accept(proposal: Proposal): void {
    if (place === null) return;
    // What closes the value may be there already.
    const rest = text.slice(place.to).replace(proposal.insert.endsWith('"') && proposal.what === "value" ? /^"/ : /^$/, "");
    const next = text.slice(0, place.from) + proposal.insert + rest;
    const cursor = place.from + proposal.insert.length;
    onChange(next);
    setPlace(null);
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(cursor, cursor);
      if (proposal.what === "label" && proposal.insert.endsWith('"')) look(next, cursor, true);
    });
  }

  function onKeyDown(event: React.KeyboardEvent<HTMLTextAreaElement>): void {
    const { key } = event;
    if (key === " " && event.ctrlKey) {
      event.preventDefault();
      look(text, event.currentTarget.selectionStart, true);
    } else if (open && (key === "ArrowDown" || key === "ArrowUp")) {
      event.preventDefault();
      setChosen((active + (key === "ArrowDown" ? 1 : -1) + proposals.length) % proposals.length);
    } else if (open && (key === "Enter" || key === "Tab") && !event.shiftKey) {
      event.preventDefault();
      const proposal = proposals[active];
      if (proposal) accept(proposal);
    } else if (key === "Escape" && place !== null) {
      event.preventDefault();
      event.stopPropagation();
      setPlace(null);
    } else if (key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      setPlace(null);
      onRun(text);
    }
  }

  return (
    <div className={css.whole}>
      <div className={css.editor} data-fault={fault !== null}>
        <pre className={css.drawn} aria-hidden="true">
          <Drawn text={text} fault={fault} mark={place?.from ?? null} anchor={anchor} />
          {"\n"}
        </pre>
        <textarea
          ref={area}
          className={css.area}
          aria-label={label}
          aria-autocomplete="list"
          aria-controls={open ? `${id}list` : undefined}
          aria-activedescendant={open ? `${id}${active}` : undefined}
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : `${id}fault`}
          placeholder="A query, as in sum(sum_over_time(keirin_flows_total[7d]))"
          value={text}
          rows={1}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onChange={(event) => {
            onChange(event.currentTarget.value);
            look(event.currentTarget.value, event.currentTarget.selectionStart, false);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setPlace(null)}
        />
        {open ? (
          <div className={css.list} style={at} role="listbox" id={`${id}list`} aria-label="Proposals">
            {proposals.map((proposal, index) => (
              // The text area keeps the focus and hears the keys.
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={`${proposal.what} ${proposal.text}`}
                id={`${id}${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === active}
                ref={(element) => {
                  if (index === active) element?.scrollIntoView({ block: "nearest" });
                }}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => accept(proposal)}
              >
                <span className={css.what} data-what={proposal.what}>{proposal.what}</span>
                <code>{proposal.text}</code>
                <span className={css.about}>{proposal.about}</span>
              </div>
            ))}
          </div>
        ) : null}
      </div>
      {fault === null ? null : (
        <p className={css.fault} id={`${id}fault`} role="alert">
          {fault.message}
        </p>
      )}
    </div>
  );
}

interface DrawnProps {
  text: string;
  fault: Fault | null;
  mark: number | null;
  anchor: React.RefObject<HTMLSpanElement | null>;
}

/** The coloured text, cut where a fault begins and ends and where the proposals stand. */
function Drawn({ text, fault, mark, anchor }: DrawnProps) {
  const tokens = useMemo(() => lex(text), [text]);
  const start = fault?.start ?? -1;
  // A fault at the very end still has to be seen.
  const end = start < 0 ? -1 : Math.max(fault?.end ?? start + 1, start + 1);
  const cuts = [start, end, mark ?? -1];
  return (
    <>
      {tokens.flatMap((token) => {
        const inner = [...new Set(cuts)].filter((cut) => cut > token.start && cut < token.start + token.text.length).toSorted((a, b) => a - b);
        return [token.start, ...inner].map((from, index, all) => {
          const to = all[index + 1] ?? token.start + token.text.length;
          return (
            <span key={from}>
              {from === mark ? <span ref={anchor} /> : null}
              <span data-kind={token.kind} data-fault={from >= start && from < end}>
                {text.slice(from, to)}
              </span>
            </span>
          );
        });
      })}
      {mark === text.length ? <span ref={anchor} /> : null}
      {start >= text.length && start >= 0 ? <span data-fault="true"> </span> : null}
    </>
  );
}
