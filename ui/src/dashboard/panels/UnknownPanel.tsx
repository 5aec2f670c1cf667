/** A panel that this page has no drawing for: what it is, and its queries. */
import { Link } from "@tanstack/react-router";
import type { Panel } from "../model";
import { Missing } from "./Missing";
import css from "./panels.module.css";

export function UnknownPanel({ panel, queries }: { panel: Panel; queries: readonly string[] }) {
  return (
    <Missing title="This panel is not drawn">
      <p>
        Its type is <code>{panel.type}</code>, which this page does not know. The rest of the dashboard is drawn.
      </p>
      {queries.length === 0 ? null : (
        <ul className={css.queries}>
          {queries.map((query) => (
            <li key={query}>
              <Link to="/explore" search={{ q: query }}>
                <code>{query}</code>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Missing>
  );
}
