/** What goes on for as long as the server leads, and how it stands. */
import type { ReconcilerState } from "../../api/types";
import { EmptyPage } from "../../parts/EmptyPage";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { State } from "../../parts/State";
import css from "./BackgroundPage.module.css";
import { reconcilerShape } from "./states";

export function ReconcilerList({ reconcilers }: { reconcilers: readonly ReconcilerState[] }) {
  return (
    <section>
      <h2 className={css.heading}>Goes on all the time</h2>
      <Panel flush>
        {reconcilers.length === 0 ? (
          <EmptyPage title="Nothing goes on yet">What a server does all the time begins once it leads. Another server may lead at the moment.</EmptyPage>
        ) : (
          <ul className={css.reconcilers}>
            {reconcilers.map((one) => (
              <Reconciler key={one.name} reconciler={one} />
            ))}
          </ul>
        )}
      </Panel>
    </section>
  );
}

function Reconciler({ reconciler }: { reconciler: ReconcilerState }) {
  const { state, word } = reconcilerShape(reconciler);
  const { title, succeeded_at: succeeded, failed_at: failed, error } = reconciler;
  return (
    <li>
      <div className={css.reconciler}>
        <div className={css.name}>{title}</div>
        {error === null ? null : (
          <div className={css.error}>
            <Sentence text={error} />
          </div>
        )}
      </div>
      <div className={css.reconcilerState}>
        <State word state={state} label={word} />
      </div>
      <div className={css.times}>
        {failed === null ? null : (
          <span>
            last failed <RelativeTime time={failed} />
          </span>
        )}
        <span>{succeeded === null ? "has not gone well since the server started" : <>last went well <RelativeTime time={succeeded} /></>}</span>
      </div>
    </li>
  );
}
