/** The parts of the data pipeline one after the other, each with its state and its freshness. */
import { Link } from "@tanstack/react-router";
import type { PipelinePart } from "../../api/measure";
import { Icon } from "../../parts/Icon";
import { RelativeTime } from "../../parts/RelativeTime";
import { State } from "../../parts/State";
import { figure, preciselyInWords } from "../../parts/words";
import { partStates } from "./parts";
import css from "./PipelineStrip.module.css";

/** Each leads to what the page about them says of it; `linked` where that is this page, which says nothing of some. */
export function PipelineStrip({ parts, linked = false }: { parts: readonly PipelinePart[]; linked?: boolean }) {
  return (
    <ol className={css.strip} aria-label="Data pipeline">
      {parts.map((part, index) => (
        <li key={part.name}>
          {index > 0 ? (
            <span className={css.arrow} aria-hidden="true">
              <Icon name="right" size={14} />
            </span>
          ) : null}
          <Link to="/data" {...(linked && part.note === null && part.parts.length === 0 ? {} : { hash: `part-${part.name}` })} className={css.part} data-part-state={part.state}>
            <span className={css.name}>
              <State state={partStates[part.state].state} label={partStates[part.state].word} />
              {part.title}
            </span>
            <span className={css.count}>{part.count === null ? "–" : figure(part.count)}</span>
            <span className={css.fresh}>
              {part.newest_at === null ? "nothing yet" : <RelativeTime time={part.newest_at} />}
              {part.lag_seconds !== null && part.lag_seconds >= 1 ? <span>lag {preciselyInWords(part.lag_seconds)}</span> : null}
            </span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
