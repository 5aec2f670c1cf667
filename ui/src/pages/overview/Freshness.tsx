/** The way of the data as a strip: how much of each part came in the last day, and how fresh it is. */
import type { Freshness as Part } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { RelativeTime } from "../../parts/RelativeTime";
import { capital, figure } from "../../parts/words";
import css from "./Freshness.module.css";

export function Freshness({ parts }: { parts: readonly Part[] }) {
  return (
    <section className={css.strip} aria-label="The way of the data">
      {parts.map((part, index) => (
        <div key={part.name} className={css.part}>
          {index > 0 ? (
            <span className={css.arrow}>
              <Icon name="right" size={14} />
            </span>
          ) : null}
          <div>
            <h2 className={css.name}>{capital(part.name.replaceAll("_", " "))}</h2>
            <div className={css.facts}>
              <span className="figures">{figure(part.count)} in a day</span>
              {part.newest_at === null ? null : (
                <span>
                  newest <RelativeTime time={part.newest_at} />
                </span>
              )}
            </div>
          </div>
        </div>
      ))}
    </section>
  );
}
